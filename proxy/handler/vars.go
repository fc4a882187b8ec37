package handler

import (
	"errors"
	"fmt"
	"net/http"

	"dwaar/proxy/placeholder"
	"dwaar/proxy/request"
)

// Vars gives variables their values, for placeholders and matchers further on:
// {vars.NAME}. They belong to the request, also after it was rewritten and
// where its failure is answered.
type Vars struct {
	Set []Assignment `json:"set"`
}

// Assignment is a variable and its value, with placeholders.
type Assignment struct {
	Name  string `json:"name"`
	Value string `json:"value"`
}

// Name implements [Directive].
func (Vars) Name() string { return "vars" }

// Compile implements [Directive].
func (c Vars) Compile(*Env) (Middleware, error) {
	if len(c.Set) == 0 {
		return nil, errors.New("vars: no variable")
	}
	values := make([]placeholder.Text, len(c.Set))
	for i, a := range c.Set {
		if err := checkVariable(a.Name); err != nil {
			return nil, err
		}
		var err error
		if values[i], err = placeholder.Compile(a.Value); err != nil {
			return nil, fmt.Errorf("vars: %s: %w", a.Name, err)
		}
	}
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			state := request.Of(r)
			for i := range values {
				state.SetVar(c.Set[i].Name, values[i].Expand(r))
			}
			next.ServeHTTP(w, r)
		})
	}, nil
}

// checkVariable refuses names that no placeholder could have.
func checkVariable(name string) error {
	if name == "client_ip" {
		return errors.New("vars: client_ip is who asks, and is not set")
	}
	text, err := placeholder.Compile("{vars." + name + "}")
	if err != nil || text.IsFixed() {
		return fmt.Errorf("vars: %q is no name for a variable: it has letters, digits, dots, _ and -", name)
	}
	return nil
}
