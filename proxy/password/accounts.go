package password

import (
	"context"

	"golang.org/x/crypto/bcrypt"
)

// Accounts are users with their hashes, which were checked.
type Accounts struct {
	hashes   map[string]Hash
	nobody   Hash // what the password of an unknown user is compared with
	verifier *Verifier
}

// NewAccounts returns accounts whose passwords verifier compares.
func NewAccounts(hashes map[string]Hash, verifier *Verifier) *Accounts {
	highest := MinCost
	for _, hash := range hashes {
		if cost, err := bcrypt.Cost([]byte(hash)); err == nil {
			highest = max(highest, cost)
		}
	}
	return &Accounts{hashes, nobodys(highest), verifier}
}

// Verify reports whether there is this user with this password. It takes as long where there
// is no such user, so that nobody learns who there is; where costs differ, as long as for the
// highest.
func (a *Accounts) Verify(ctx context.Context, user, password string) (bool, error) {
	hash, known := a.hashes[user]
	if !known {
		hash = a.nobody
	}
	right, err := a.verifier.Verify(ctx, hash, password)
	return right && known, err
}
