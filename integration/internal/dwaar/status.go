package dwaar

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"dwaar/integration/internal/wait"
)

// Status is the part of `dwaar status --json` that the contract fixes.
type Status struct {
	Certificates []Certificate `json:"certificates"`
	Upstreams    []Upstream    `json:"upstreams"`
	Storage      Storage       `json:"storage"` // empty: files
}

// Storage is what several dwaars share.
type Storage struct {
	Kind    string     `json:"kind"`
	Address string     `json:"address"`
	State   string     `json:"state"`
	Since   *time.Time `json:"since"`
	Error   string     `json:"error"`
	Owed    int        `json:"owed"`
}

// Upstream is a server that sites forward to.
type Upstream struct {
	Address  string `json:"address"`
	Healthy  bool   `json:"healthy"`
	InFlight int64  `json:"in_flight"`
}

// Certificate is one entry of it.
type Certificate struct {
	Names       []string  `json:"names"`
	Source      string    `json:"source"`
	Issuer      string    `json:"issuer"`
	Serial      string    `json:"serial"`
	Fingerprint string    `json:"fingerprint"`
	NotBefore   time.Time `json:"not_before"`
	NotAfter    time.Time `json:"not_after"`
	Staple      Staple    `json:"staple"`
	ACME        *ACME     `json:"acme"` // nil: a certificate from files
	CRL         CRL       `json:"crl"`
}

// CRL is what is known from revocation lists; empty for a certificate that names none.
type CRL struct {
	State     string `json:"state"`
	Reason    string `json:"reason"`
	URL       string `json:"url"`
	LastError string `json:"last_error"`
}

// ACME is how dwaar keeps a certificate that it gets itself.
type ACME struct {
	NextRenewal *time.Time `json:"next_renewal"`
	LastError   string     `json:"last_error"`
	NextTry     *time.Time `json:"next_try"`
}

// Staple is the state of its staple.
type Staple struct {
	State       string     `json:"state"`
	Reason      string     `json:"reason"`
	ThisUpdate  *time.Time `json:"this_update"`
	NextUpdate  *time.Time `json:"next_update"`
	LastRefresh *time.Time `json:"last_refresh"`
	NextTry     *time.Time `json:"next_try"`
	LastError   string     `json:"last_error"`
	Responder   string     `json:"responder"`
}

// Status asks the running dwaar.
func (s *Server) Status() (Status, error) {
	s.t.Helper()
	var st Status
	r := s.Do("status", "--json")
	if r.Code != 0 {
		return st, fmt.Errorf("dwaar status --json: exit %d: %s", r.Code, r.Text())
	}
	if err := json.Unmarshal([]byte(r.Stdout), &st); err != nil {
		return st, fmt.Errorf("dwaar status --json: %w\n%s", err, r.Stdout)
	}
	return st, nil
}

// Certificate returns the entry that holds name.
func (s *Server) Certificate(name string) (Certificate, error) {
	s.t.Helper()
	st, err := s.Status()
	if err != nil {
		return Certificate{}, err
	}
	for _, c := range st.Certificates {
		if slices.Contains(c.Names, name) {
			return c, nil
		}
	}
	return Certificate{}, fmt.Errorf("no certificate for %s in %+v", name, st)
}

// AwaitReason waits until the staple of name shows a reason word.
func (s *Server) AwaitReason(name, reason string, within time.Duration) Staple {
	s.t.Helper()
	return s.await(name, "reason "+reason, within, func(staple Staple) bool { return staple.Reason == reason })
}

// AwaitError waits until the last refresh of name's staple has failed with a reason word. A
// staple that still holds keeps its own reason, good.
func (s *Server) AwaitError(name, reason string, within time.Duration) Staple {
	s.t.Helper()
	return s.await(name, "error "+reason, within, func(staple Staple) bool {
		return strings.HasPrefix(staple.LastError, reason)
	})
}

func (s *Server) await(name, what string, within time.Duration, ok func(Staple) bool) Staple {
	s.t.Helper()
	var c Certificate
	wait.Until(s.t, within, name+" to show the "+what, func() error {
		var err error
		if c, err = s.Certificate(name); err == nil && !ok(c.Staple) {
			err = fmt.Errorf("staple %+v", c.Staple)
		}
		return err
	})
	return c.Staple
}
