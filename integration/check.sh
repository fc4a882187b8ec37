#!/bin/sh
# What every commit passes: formatting, tidy modules, vet, staticcheck, and a short
# run of every fuzz target. Needs gcc, and the network only for modules that are not
# in the cache yet.
set -eu
cd "$(dirname "$0")/.."

unformatted=$(gofmt -l .)
if [ -n "$unformatted" ]; then
	printf 'gofmt would change:\n%s\n' "$unformatted" >&2
	exit 1
fi

staticcheck=$(go -C integration tool -n staticcheck)
for module in . integration; do
	echo "check: $module"
	go -C "$module" mod tidy -diff
	go -C "$module" vet ./...
	(cd "$module" && "$staticcheck" ./...)
done

# A fuzz target runs alone, so each gets its own short run. A count, not a time: it ends by
# itself on a slow machine too, and -timeout bounds it.
runs=${FUZZ_RUNS:-3000x}
output=$(mktemp)
trap 'rm -f "$output"' EXIT
trap 'exit 1' HUP INT TERM
packages=$(go list -f '{{if or .TestGoFiles .XTestGoFiles}}{{.ImportPath}}{{end}}' ./...)
for package in $packages; do
	dir=./${package#dwaar}
	for target in $(grep -hoE '^func Fuzz[A-Za-z0-9_]*' "$dir"/*_test.go | sed 's/^func //'); do
		echo "fuzz: $target in $package"
		go test -run '^$' -fuzz "^$target\$" -fuzztime "$runs" -fuzzminimizetime 1x -timeout 120s "$package" >"$output" 2>&1 || {
			cat "$output" >&2
			exit 1
		}
	done
done
