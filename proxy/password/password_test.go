package password_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/crypto/bcrypt"

	"dwaar/proxy/password"
)

func hash(t *testing.T, text string, cost int) password.Hash {
	t.Helper()
	h, err := password.New(text, cost)
	if err != nil {
		t.Fatal(err)
	}
	return h
}

func verify(t *testing.T, a *password.Accounts, user, text string) bool {
	t.Helper()
	ok, err := a.Verify(t.Context(), user, text)
	if err != nil {
		t.Fatal(err)
	}
	return ok
}

func TestOnlyTheRightPasswordOfAUserIsRight(t *testing.T) {
	long := strings.Repeat("x", password.MaxLength)
	a := password.NewAccounts(map[string]password.Hash{
		"ann": hash(t, "secret", 4), "ben": hash(t, "other", 5), "cat": hash(t, long, 4),
	}, password.NewVerifier())
	for range 2 { // the second time from memory
		for _, c := range []struct {
			user, text string
			want       bool
		}{
			{"ann", "secret", true}, {"ben", "other", true}, {"cat", long, true},
			{"ann", "other", false}, {"ann", "", false}, {"ann", "secret\x00", false}, {"Ann", "secret", false}, {"", "", false},
			{"dan", "secret", false}, {"cat", long + "y", false}, {"cat", long[1:], false},
		} {
			if got := verify(t, a, c.user, c.text); got != c.want {
				t.Errorf("%s %.10q: %v, want %v", c.user, c.text, got, c.want)
			}
		}
	}
}

// Nobody shall learn by the time of an answer whether there is a user.
func TestAnUnknownUserCostsAsMuchAsAWrongPassword(t *testing.T) {
	a := password.NewAccounts(map[string]password.Hash{"ann": hash(t, "secret", 6)}, password.NewVerifier())
	best := func(user string) time.Duration {
		least := time.Hour
		for range 5 {
			begun := time.Now()
			verify(t, a, user, "wrong")
			least = min(least, time.Since(begun))
		}
		return least
	}
	known, unknown := best("ann"), best("nobody")
	if unknown < known/10 || known < unknown/10 { // without a comparison it would be a thousandth
		t.Errorf("a known user takes %v, an unknown one %v", known, unknown)
	}
}

func TestARightPasswordIsComparedOnce(t *testing.T) {
	a := password.NewAccounts(map[string]password.Hash{"ann": hash(t, "secret", 10)}, password.NewVerifier())
	begun := time.Now()
	verify(t, a, "ann", "secret")
	first := time.Since(begun)
	begun = time.Now()
	for range 50 {
		verify(t, a, "ann", "secret")
	}
	if rest := time.Since(begun); rest > first {
		t.Errorf("the first time took %v, fifty more %v", first, rest)
	}
}

func TestAChangedHashForgetsTheOldPassword(t *testing.T) {
	v := password.NewVerifier()
	before := password.NewAccounts(map[string]password.Hash{"ann": hash(t, "old", 4)}, v)
	if !verify(t, before, "ann", "old") {
		t.Fatal("the old password is wrong")
	}
	after := password.NewAccounts(map[string]password.Hash{"ann": hash(t, "new", 4)}, v)
	if verify(t, after, "ann", "old") || !verify(t, after, "ann", "new") {
		t.Error("the old password is still right")
	}
}

// Guesses wait for their turn; more than can wait are refused, and who leaves is not waited for.
func TestAFloodOfGuessesIsBounded(t *testing.T) {
	a := password.NewAccounts(map[string]password.Hash{"ann": hash(t, "secret", 6)}, password.NewVerifier())
	verify(t, a, "ann", "secret")
	ctx, cancel := context.WithCancel(t.Context())
	var all sync.WaitGroup
	errs := make(chan error, 2000)
	for i := range cap(errs) {
		all.Go(func() {
			_, err := a.Verify(ctx, "ann", fmt.Sprint("guess ", i))
			errs <- err
		})
	}
	var busy bool
	for !busy {
		busy = errors.Is(<-errs, password.ErrBusy)
	}
	if !verify(t, a, "ann", "secret") {
		t.Error("who was in before is out")
	}
	cancel()
	all.Wait()
	if ok, err := a.Verify(t.Context(), "ann", "wrong"); ok || err != nil {
		t.Errorf("after the flood: %v, %v", ok, err)
	}
}

func TestHashesAreChecked(t *testing.T) {
	const whole = "$2a$14$Zkx19XLiW6VYouLHR5NmfOFU0z2GTNmpkT/5qqR7hx4IjWJPDhjvG"
	for text, want := range map[string]string{
		whole: "", strings.Replace(whole, "2a", "2b", 1): "", strings.Replace(whole, "2a", "2y", 1): "",
		"": "no bcrypt", "secret": "no bcrypt", "$1$abc": "no bcrypt", "$argon2id$v=19": "argon2",
		whole[:59]: "whole", whole + "x": "whole", whole[:59] + "!": "whole", strings.Replace(whole, "$14$", "$99$", 1): "whole",
		strings.Replace(whole, "$14$", "$17$", 1): "too long",
	} {
		err := password.Hash(text).Check()
		if want == "" && err != nil || want != "" && (err == nil || !strings.Contains(err.Error(), want)) {
			t.Errorf("%q: %v, want %q", text, err, want)
		}
	}
	if bcrypt.CompareHashAndPassword([]byte(hash(t, "x", 4)), []byte("x")) != nil {
		t.Error("others cannot read our hashes")
	}
}

func TestAHashIsNotShown(t *testing.T) {
	h := hash(t, "secret", 4)
	text, err := json.Marshal(map[string]password.Hash{"h": h})
	if err != nil {
		t.Fatal(err)
	}
	for _, shown := range []string{string(text), fmt.Sprint(h), fmt.Sprintf("%#v", h), h.LogValue().String()} {
		if strings.Contains(shown, "$2") {
			t.Error(shown)
		}
	}
}
