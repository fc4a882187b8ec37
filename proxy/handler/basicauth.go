package handler

import (
	"cmp"
	"errors"
	"fmt"
	"net/http"
	"strings"

	"dwaar/proxy/kept"
	"dwaar/proxy/password"
	"dwaar/proxy/request"
)

// BasicAuth lets in who has a password (RFC 7617). The Authorization field goes
// on to upstreams as it came.
type BasicAuth struct {
	// Realm is what the browser shows; empty means "restricted".
	Realm string `json:"realm,omitempty"`
	// Users have one name each.
	Users []BasicUser `json:"users"`
}

// BasicUser is one who may come in.
type BasicUser struct {
	Name string        `json:"name"`
	Hash password.Hash `json:"hash"`
}

// Name implements [Directive].
func (BasicAuth) Name() string { return "basic_auth" }

// Compile implements [Directive].
func (c BasicAuth) Compile(env *Env) (Middleware, error) {
	hashes, err := c.hashes()
	if err != nil {
		return nil, err
	}
	verifier := kept.Take(env.Kept, verifierKey{}, password.NewVerifier)
	auth := &basicAuth{
		accounts: password.NewAccounts(hashes, verifier),
		// The charset makes browsers send what is not ASCII in UTF-8 (RFC 7617 §2.1).
		challenge: `Basic realm="` + quoted.Replace(cmp.Or(c.Realm, "restricted")) + `", charset="UTF-8"`,
	}
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { auth.serve(w, r, next) })
	}, nil
}

// verifierKey finds the one verifier of a process.
type verifierKey struct{}

// quoted escapes what ends a quoted-string (RFC 9110 §5.6.4).
var quoted = strings.NewReplacer(`\`, `\\`, `"`, `\"`)

func (c BasicAuth) hashes() (map[string]password.Hash, error) {
	var problems []error
	hashes := make(map[string]password.Hash, len(c.Users))
	for _, user := range c.Users {
		if err := checkUser(user); err != nil {
			problems = append(problems, fmt.Errorf("basic_auth: user %q: %w", user.Name, err))
		}
		if _, twice := hashes[user.Name]; twice {
			problems = append(problems, fmt.Errorf("basic_auth: user %q is there twice", user.Name))
		}
		hashes[user.Name] = user.Hash
	}
	if len(c.Users) == 0 {
		problems = append(problems, errors.New("basic_auth: there is no user: write a block of lines USER HASH"))
	}
	if strings.ContainsFunc(c.Realm, isControl) {
		problems = append(problems, errors.New("basic_auth: the realm has a control character"))
	}
	return hashes, errors.Join(problems...)
}

func checkUser(user BasicUser) error {
	switch {
	case user.Name == "":
		return errors.New("a user has a name")
	case strings.ContainsFunc(user.Name, isControl) || strings.Contains(user.Name, ":"):
		return errors.New("a name has no colon and no control character, which no browser could send")
	}
	return user.Hash.Check()
}

func isControl(c rune) bool { return c < ' ' || c == 0x7f }

type basicAuth struct {
	accounts  *password.Accounts
	challenge string
}

var errNotAuthenticated = errors.New("not authenticated")

func (h *basicAuth) serve(w http.ResponseWriter, r *http.Request, next http.Handler) {
	user, given, ok := r.BasicAuth()
	var err error
	if ok {
		ok, err = h.accounts.Verify(r.Context(), user, given)
	}
	switch {
	case errors.Is(err, password.ErrBusy):
		w.Header().Set("Retry-After", "1")
		Fail(w, r, http.StatusServiceUnavailable, err)
	case ok:
		request.Of(r).User = user
		next.ServeHTTP(w, r)
	default:
		w.Header().Set("WWW-Authenticate", h.challenge)
		Fail(w, r, http.StatusUnauthorized, errNotAuthenticated)
	}
}
