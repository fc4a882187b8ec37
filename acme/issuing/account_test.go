package issuing_test

import (
	"context"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"

	"dwaar/acme/issuing"
)

// accountFiles are the keys below users/ of every CA in a storage.
func accountFiles(t *testing.T, dir string) []string {
	t.Helper()
	keys, _ := openStorage(t, dir).List(t.Context(), "acme", true)
	return slices.DeleteFunc(keys, func(k string) bool { return !strings.Contains(k, "/users/") })
}

func TestAnAccountKeyIsOnDiskBeforeTheCAKnowsIt(t *testing.T) {
	t.Parallel()
	for email, user := range map[string]string{
		"ops@example.test": "ops@example.test/ops.key", "Ops+dwaar@example.test": "ops_plus_dwaar@example.test/ops_plus_dwaar.key", "": "default/default.key",
	} {
		ca, dir := newFakeCA(t), t.TempDir()
		var known []string
		ca.fail(func(_ http.ResponseWriter, r *http.Request) bool {
			if r.URL.Path == "/account" {
				known = accountFiles(t, dir)
			}
			return false
		})
		p := policy(ca)
		p.Issuers[0].Email = email
		obtain(t, open(t, dir), p)
		after := accountFiles(t, dir)
		if len(known) != 1 || !strings.HasSuffix(known[0], "/users/"+user) {
			t.Errorf("%q: while the account was made there was %v, want …/users/%s", email, known, user)
		}
		if len(after) != 2 || after[1] != known[0] || after[0] != strings.TrimSuffix(known[0], "key")+"json" {
			t.Errorf("%q: then %v", email, after)
		}
	}
}

func TestAnAccountWhoseRegistrationWasLostIsFoundAgain(t *testing.T) {
	t.Parallel()
	ca, dir := newFakeCA(t), t.TempDir()
	obtain(t, open(t, dir), policy(ca))
	files := accountFiles(t, dir)
	s := openStorage(t, dir)
	key, err := s.Load(t.Context(), files[1])
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Delete(t.Context(), files[0]); err != nil {
		t.Fatal(err)
	}
	if _, err := open(t, dir).Obtain(soon(t), policy(ca), "other.example.test"); err != nil {
		t.Fatal(err)
	}
	if now, err := s.Load(t.Context(), files[1]); err != nil || string(now) != string(key) {
		t.Errorf("the account's key has changed (%v)", err)
	}
	if len(ca.accounts) != 1 {
		t.Errorf("%d accounts at the CA, want one", len(ca.accounts))
	}
}

func TestACorruptAccountKeyIsAnErrorAndStays(t *testing.T) {
	t.Parallel()
	ca, dir := newFakeCA(t), t.TempDir()
	obtain(t, open(t, dir), policy(ca))
	files := accountFiles(t, dir)
	s := openStorage(t, dir)
	if err := s.Delete(t.Context(), files[0]); err != nil {
		t.Fatal(err)
	}
	if err := s.Store(t.Context(), files[1], []byte("half a k")); err != nil {
		t.Fatal(err)
	}
	if _, err := open(t, dir).Obtain(soon(t), policy(ca), "other.example.test"); err == nil || !strings.Contains(err.Error(), "reading the account key "+files[1]) {
		t.Errorf("Obtain = %v", err)
	}
}

// Certmagic would send the last e-mail it has seen to any CA.
func TestACAWithoutEmailLearnsNoOthers(t *testing.T) {
	t.Parallel()
	one, other, dir := newFakeCA(t), newFakeCA(t), t.TempDir()
	obtain(t, open(t, dir), policy(one))
	p := policy(other)
	p.Issuers[0].Email = ""
	obtain(t, open(t, dir), p)
	for _, file := range accountFiles(t, dir) {
		isOther := strings.Contains(file, portOf(other))
		if isOther != strings.Contains(file, "/users/default/") {
			t.Errorf("account file %s", file)
		}
	}
}

func portOf(ca *fakeCA) string {
	return ca.server.URL[strings.LastIndexByte(ca.server.URL, ':')+1:]
}

func TestAnExternalAccountIsBound(t *testing.T) {
	t.Parallel()
	ca := newFakeCA(t)
	ca.needsEAB = true
	p := policy(ca)
	if _, err := open(t, t.TempDir()).Obtain(soon(t), p, name); err == nil || !strings.Contains(err.Error(), "externalAccountRequired") {
		t.Errorf("without EAB: %v", err)
	}
	p.Issuers[0].EAB = &issuing.EAB{KeyID: "kid-1", HMAC: "c2VjcmV0LXNlY3JldC1zZWNyZXQ"}
	obtain(t, open(t, t.TempDir()), p)
	if !slices.Equal(ca.eab, []string{"kid-1"}) {
		t.Errorf("bound to %v, want kid-1", ca.eab)
	}
}

// Certmagic registers again, and then orders by the account it has just found to be gone.
func TestAnAccountThatTheCAForgotIsMadeAnew(t *testing.T) {
	t.Parallel()
	ca, dir := newFakeCA(t), t.TempDir()
	i := open(t, dir)
	obtain(t, i, policy(ca))
	refused := 0
	ca.fail(func(w http.ResponseWriter, r *http.Request) bool {
		if r.URL.Path != "/order" || refused == 2 {
			return false
		}
		refused++
		problem(w, 400, "accountDoesNotExist", "who?")
		return true
	})
	if _, err := i.Obtain(soon(t), policy(ca), "other.example.test"); err != nil {
		t.Error(err)
	}
	if files := accountFiles(t, dir); len(files) != 2 || len(ca.accounts) < 2 {
		t.Errorf("files %v, %d accounts", files, len(ca.accounts))
	}
}

// Certmagic's lock for registering an account is for all CAs of an e-mail address.
func TestACAThatHangsKeepsNobodyFromRegisteringElsewhere(t *testing.T) {
	t.Parallel()
	hung, good, dir := newFakeCA(t), newFakeCA(t), t.TempDir()
	asked := make(chan struct{}, 10)
	hung.fail(func(w http.ResponseWriter, r *http.Request) bool {
		if r.URL.Path != "/account" {
			return false
		}
		_, _ = io.Copy(io.Discard, r.Body) // else nobody notices that the client goes away
		asked <- struct{}{}
		return hang(w, r)
	})
	i := open(t, dir)
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		_, _ = i.Obtain(ctx, policy(hung), "hung.example.test")
	}()
	<-asked
	obtain(t, i, policy(good))
	obtain(t, open(t, dir), policy(good))
	cancel()
	<-ended
}
