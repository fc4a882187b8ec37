package handler

import (
	"fmt"

	"dwaar/proxy/encode"
)

// Encode compresses the responses of what comes after it.
type Encode struct {
	encode.Config
}

// Name implements [Directive].
func (Encode) Name() string { return "encode" }

// Compile implements [Directive].
func (c Encode) Compile(*Env) (Middleware, error) {
	e, err := encode.New(c.Config)
	if err != nil {
		return nil, fmt.Errorf("encode: %w", err)
	}
	return e.Wrap, nil
}
