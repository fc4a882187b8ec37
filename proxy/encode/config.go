package encode

import (
	"errors"
	"fmt"
	"slices"
)

const (
	// DefaultMinLength is how long a response must be to be worth it.
	DefaultMinLength = 512
	// MaxMinLength bounds what is held back of a response whose length is not
	// known.
	MaxMinLength = 1 << 20
)

// Config says which responses are encoded, and how.
type Config struct {
	// Formats are offered in this order: where a client likes several equally,
	// the first is taken. None means zstd and gzip.
	Formats []Format `json:"formats"`
	// MinLength is the length in bytes from which a response is encoded; zero
	// means [DefaultMinLength].
	MinLength int `json:"minimum_length,omitempty"`
	// Match says which responses are encoded. Nil means those whose
	// Content-Type is known to shrink: text, scripts, JSON, XML, some fonts.
	Match *Match `json:"match,omitempty"`
}

// Format is a coding and how hard it tries.
type Format struct {
	// Name is "zstd", "gzip" or "br".
	Name string `json:"name"`
	// Level is empty for the default; for zstd "fastest", "default", "better"
	// or "best", for gzip "1" to "9", for br "0" to "11".
	Level string `json:"level,omitempty"`
}

// Check reports every problem of c.
func (c Config) Check() error {
	var problems []error
	for i, f := range c.Formats {
		if _, err := f.encoders(); err != nil {
			problems = append(problems, err)
		}
		if slices.ContainsFunc(c.Formats[:i], func(other Format) bool { return other.Name == f.Name }) {
			problems = append(problems, fmt.Errorf("%s is there twice", f.Name))
		}
	}
	if c.MinLength < 0 || c.MinLength > MaxMinLength {
		problems = append(problems, fmt.Errorf("minimum_length %d is not between 0 and %d", c.MinLength, MaxMinLength))
	}
	if c.Match != nil {
		problems = append(problems, c.Match.check())
	}
	return errors.Join(problems...)
}

// withDefaults is c as it is meant.
func (c Config) withDefaults() Config {
	if len(c.Formats) == 0 {
		c.Formats = []Format{{Name: "zstd"}, {Name: "gzip"}}
	}
	if c.MinLength == 0 {
		c.MinLength = DefaultMinLength
	}
	return c
}
