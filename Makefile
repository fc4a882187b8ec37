.PHONY: build test check demo

build:
	go build ./cmd/dwaar

test:
	sh integration/test.sh

check:
	sh integration/check.sh

demo:
	go run ./cmd/dwaar demo
