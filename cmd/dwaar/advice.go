package main

import "errors"

// advised is an error that says better than its reason word what to do: the words are
// explained for dwaar and its responders, and here a person looks at something else.
type advised struct {
	err    error
	advice string
}

func (e advised) Error() string { return e.err.Error() }
func (e advised) Unwrap() error { return e.err }

// advice is what err advises, else what is usual.
func advice(err error, usual string) string {
	var a advised
	if errors.As(err, &a) {
		return a.advice
	}
	return usual
}
