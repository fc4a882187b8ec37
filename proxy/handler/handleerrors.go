package handler

import (
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"

	"dwaar/proxy/request"
)

// HandleErrors are the chains that answer failures of a site, one of them for
// each status: that with its number, else that with its class, else that for
// all. They see the request as it came to the site, and the failure in
// {err.status_code}, {err.status_text} and {err.message}. What they do not
// answer, and what fails in them, is answered plainly.
type HandleErrors []ErrorRoutes

// ErrorRoutes is the chain for some failures.
type ErrorRoutes struct {
	// Status are numbers from 400 to 599, and "4xx" and "5xx"; none means all.
	Status []string `json:"status,omitempty"`
	Routes Chain    `json:"routes,omitempty"`
}

// Name implements [Directive].
func (HandleErrors) Name() string { return "handle_errors" }

// Compile implements [Directive].
func (c HandleErrors) Compile(env *Env) (Middleware, error) {
	answers := recovering{}
	var problems []error
	for _, e := range c {
		apply, err := e.Routes.Compile(env)
		if err != nil {
			problems = append(problems, err)
			continue
		}
		problems = append(problems, answers.add(e.Status, apply(http.HandlerFunc(answerPlainly))))
	}
	if err := errors.Join(problems...); err != nil {
		return nil, err
	}
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			state := request.Of(r)
			state.Recover, state.Entered = answers, r
			next.ServeHTTP(w, r)
		})
	}, nil
}

// recovering are handlers by what they answer: a status, a status divided by
// 100 for its class, or 0.
type recovering map[int]http.Handler

func (c recovering) add(statuses []string, h http.Handler) error {
	if len(statuses) == 0 {
		statuses = []string{""}
	}
	var problems []error
	for _, written := range statuses {
		key, err := statusKey(written)
		if err == nil && c[key] != nil {
			err = errors.New("all failures are answered twice")
			if written != "" {
				err = fmt.Errorf("%s is answered twice", written)
			}
		}
		if err != nil {
			problems = append(problems, fmt.Errorf("handle_errors: %w", err))
		}
		c[key] = h
	}
	return errors.Join(problems...)
}

func statusKey(written string) (int, error) {
	switch strings.ToLower(written) {
	case "":
		return 0, nil
	case "4xx":
		return 4, nil
	case "5xx":
		return 5, nil
	}
	status, err := strconv.Atoi(written)
	if err != nil || status < 400 || status > 599 {
		return 0, fmt.Errorf("%q is not a status from 400 to 599, 4xx or 5xx", written)
	}
	return status, nil
}

func (c recovering) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	status := request.Of(r).Failure.Status
	for _, key := range [...]int{status, status / 100, 0} {
		if h := c[key]; h != nil {
			h.ServeHTTP(w, r)
			return
		}
	}
	failPlainly(w, status)
}

// answerPlainly is the end of the chains that answer failures.
func answerPlainly(w http.ResponseWriter, r *http.Request) {
	failPlainly(w, request.Of(r).Failure.Status)
}
