package password

import (
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"errors"
	"runtime"

	lru "github.com/hashicorp/golang-lru/v2"
	"golang.org/x/crypto/bcrypt"
)

const (
	maxVerified = 4096 // passwords that were right and are remembered
	maxWaiting  = 256  // comparisons that wait for their turn
)

// ErrBusy says that too many comparisons are waiting already.
var ErrBusy = errors.New("too many passwords are being compared")

// Verifier compares the passwords of a process. As bcrypt is slow by intent, it compares a few
// at a time, which leaves half of the processors to requests that need none, and remembers
// those that were right: a browser sends its password with each of a page's fifty requests.
type Verifier struct {
	secret   []byte
	verified *lru.Cache[[sha256.Size]byte, struct{}]
	turns    chan struct{}
	waiting  chan struct{}
}

// NewVerifier returns a verifier that remembers nothing.
func NewVerifier() *Verifier {
	verified, err := lru.New[[sha256.Size]byte, struct{}](maxVerified)
	if err != nil {
		panic(err) // only for a size that is not positive
	}
	turns := max(1, runtime.GOMAXPROCS(0)/2)
	v := &Verifier{
		secret: make([]byte, sha256.Size), verified: verified,
		turns: make(chan struct{}, turns), waiting: make(chan struct{}, turns+maxWaiting),
	}
	_, _ = rand.Read(v.secret) // never fails
	return v
}

// Verify reports whether a hash is that of password. Only right ones are remembered, by what
// says nothing of them: a MAC under a secret of this process, of the hash too, so that a
// changed password is forgotten.
func (v *Verifier) Verify(ctx context.Context, hash Hash, password string) (bool, error) {
	known := v.mac(hash, password)
	if v.remembers(known) {
		return true, nil
	}
	select {
	case v.waiting <- struct{}{}:
		defer func() { <-v.waiting }()
	default:
		return false, ErrBusy
	}
	select {
	case v.turns <- struct{}{}:
		defer func() { <-v.turns }()
	case <-ctx.Done():
		return false, ctx.Err()
	}
	if v.remembers(known) { // from another request, meanwhile
		return true, nil
	}
	right := compare(hash, password)
	if right {
		v.verified.Add(known, struct{}{})
	}
	return right, nil
}

func (v *Verifier) remembers(known [sha256.Size]byte) bool {
	_, ok := v.verified.Get(known)
	return ok
}

func (v *Verifier) mac(hash Hash, password string) (sum [sha256.Size]byte) {
	mac := hmac.New(sha256.New, v.secret)
	mac.Write([]byte(hash)) // always 60 bytes
	mac.Write([]byte(password))
	mac.Sum(sum[:0])
	return sum
}

// compare takes as long for a password that is too long to be right as for any other.
func compare(hash Hash, password string) bool {
	fits := len(password) <= MaxLength
	if !fits {
		password = password[:MaxLength]
	}
	return bcrypt.CompareHashAndPassword([]byte(hash), []byte(password)) == nil && fits
}
