#!/bin/sh
# Runs every test of both modules: the checks, the unit tests, then the real binary
# against real peers. Works from any directory and in a fresh clone.
set -eu
cd "$(dirname "$0")/.."

sh integration/tools.sh
export CGO_ENABLED=1 # the race detector needs it
sh integration/check.sh
# Most tests wait more than they compute: twice as many packages at a time as there are processors.
go test -race -count=1 -p $((2 * $(getconf _NPROCESSORS_ONLN))) ./...
go -C integration test -race -count=1 ./...
echo "all tests passed"
