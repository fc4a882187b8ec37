#!/bin/sh
# Runs every test of both modules: the checks, the unit tests, then the real binary
# against real peers. Works from any directory and in a fresh clone.
set -eu
cd "$(dirname "$0")/.."

sh integration/tools.sh
export CGO_ENABLED=1 # the race detector needs it
sh integration/check.sh
go test -race -count=1 ./...
go -C integration test -race -count=1 ./...
echo "all tests passed"
