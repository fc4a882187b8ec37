package main

import (
	"errors"
	"reflect"

	"github.com/alecthomas/kong"

	"dwaar/proxy/config"
)

// mapDuration reads durations for kong as a Dwaarfile does: 7d, 1d12h.
func mapDuration(ctx *kong.DecodeContext, target reflect.Value) error {
	token := ctx.Scan.Pop()
	s, ok := token.Value.(string)
	if !ok || token.IsEOL() {
		return errors.New("expected a duration like 10s, 1h30m or 7d")
	}
	d, err := config.ParseDuration(s)
	if err != nil {
		return err
	}
	target.SetInt(int64(d))
	return nil
}
