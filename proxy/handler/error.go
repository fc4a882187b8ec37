package handler

import (
	"errors"
	"fmt"
	"net/http"

	"dwaar/proxy/placeholder"
)

// Error fails a request, so that the site's handle_errors answers it.
type Error struct {
	// Status is 400 to 599; zero means 500.
	Status int `json:"status,omitempty"`
	// Message is {err.message}, with placeholders of its own.
	Message string `json:"message,omitempty"`
}

// Name implements [Directive].
func (Error) Name() string { return "error" }

// Compile implements [Directive].
func (c Error) Compile(*Env) (Middleware, error) {
	if c.Status == 0 {
		c.Status = http.StatusInternalServerError
	}
	if c.Status < 400 || c.Status > 599 {
		return nil, fmt.Errorf("error: status %d is not between 400 and 599", c.Status)
	}
	message, err := placeholder.Compile(c.Message)
	if err != nil {
		return nil, fmt.Errorf("error: %w", err)
	}
	return final(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		Fail(w, r, c.Status, errors.New(message.Expand(r)))
	})), nil
}
