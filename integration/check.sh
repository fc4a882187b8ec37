#!/bin/sh
# What every commit passes: formatting, tidy modules, vet, staticcheck, and a short
# run of every fuzz target, in both modules. Needs gcc and the network only for
# modules that are not in the cache yet.
set -eu
cd "$(dirname "$0")/.."

staticcheck=$(go -C integration tool -n staticcheck)

# `go list` names the packages that exist, so an unbuilt directory cannot hide one.
for module in . integration; do
	echo "check: $module"
	unformatted=$(go -C "$module" list -f '{{$d := .Dir}}{{range .GoFiles}}{{$d}}/{{.}}
{{end}}{{range .TestGoFiles}}{{$d}}/{{.}}
{{end}}{{range .XTestGoFiles}}{{$d}}/{{.}}
{{end}}' ./... | sed '/^$/d' | xargs gofmt -l)
	if [ -n "$unformatted" ]; then
		printf 'gofmt would change:\n%s\n' "$unformatted" >&2
		exit 1
	fi
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
for dir in $(go list -f '{{if or .TestGoFiles .XTestGoFiles}}{{.Dir}}{{end}}' ./...); do
	for target in $(grep -hoE '^func Fuzz[A-Za-z0-9_]*' "$dir"/*_test.go | sed 's/^func //'); do
		echo "fuzz: $target in ${dir#"$PWD"/}"
		go -C "$dir" test -run '^$' -fuzz "^$target\$" -fuzztime "$runs" -fuzzminimizetime 1x -timeout 120s . >"$output" 2>&1 || {
			cat "$output" >&2
			exit 1
		}
	done
done
