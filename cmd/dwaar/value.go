package main

import (
	"errors"
	"fmt"
	"reflect"
	"time"

	"github.com/alecthomas/kong"
)

var errMissing = errors.New("a value is missing")

// mapString is kong's own reading of a text, in words for people where it is missing.
func mapString(ctx *kong.DecodeContext, target reflect.Value) error {
	if ctx.Scan.Peek().IsEOL() {
		return errMissing
	}
	return ctx.Scan.PopValueInto("string", target.Addr().Interface())
}

var errNoFile = errors.New("the name of a file is missing")

// mapFile is mapString for the name of a file. An empty one is a variable that a
// script has not set: it must not stand for the default.
func mapFile(ctx *kong.DecodeContext, target reflect.Value) error {
	err := mapString(ctx, target)
	if err == nil && target.String() == "" {
		err = errNoFile
	}
	return err
}

// mapTime reads RFC 3339.
func mapTime(ctx *kong.DecodeContext, target reflect.Value) error {
	if ctx.Scan.Peek().IsEOL() {
		return errMissing
	}
	var text string
	if err := ctx.Scan.PopValueInto("time", &text); err != nil {
		return err
	}
	at, err := time.Parse(time.RFC3339, text)
	if err != nil {
		return fmt.Errorf("parsing time: %q is not like 2026-03-01T12:00:00Z", text)
	}
	target.Set(reflect.ValueOf(at))
	return nil
}
