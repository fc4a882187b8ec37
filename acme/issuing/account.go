package issuing

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"strings"

	"github.com/caddyserver/certmagic"
	"github.com/mholt/acmez/v3/acme"
)

// keepAccountKey is called before an account is registered, under the lock for that.
// Certmagic stores an account when the CA has it: who is killed in between has lost the key,
// and with it the account. So the key is put on disk first, and one that is already there is
// taken, for which the CA returns the account it has (RFC 8555 §7.3.1).
func (i *Issuing) keepAccountKey(c IssuerConfig) func(context.Context, *certmagic.ACMEIssuer, acme.Account) (acme.Account, error) {
	return func(ctx context.Context, _ *certmagic.ACMEIssuer, account acme.Account) (acme.Account, error) {
		file := accountKey(c.key(), c.Email)
		text, err := i.storage.Load(ctx, file)
		if errors.Is(err, fs.ErrNotExist) {
			return account, i.storeAccountKey(ctx, file, account)
		}
		if err != nil {
			return account, noteTrouble(ctx, err)
		}
		account.PrivateKey, err = certmagic.PEMDecodePrivateKey(text)
		if err != nil {
			return account, fmt.Errorf("reading the account key %s: %w", file, err)
		}
		return account, nil
	}
}

func (i *Issuing) storeAccountKey(ctx context.Context, file string, account acme.Account) error {
	text, err := certmagic.PEMEncodePrivateKey(account.PrivateKey)
	if err != nil {
		return err
	}
	return noteTrouble(ctx, i.storage.Store(underAll(ctx), file, text))
}

// accountKey is where certmagic keeps the key of an account.
func accountKey(issuer, email string) string {
	email = strings.ToLower(cmp.Or(email, "default"))
	user, _, _ := strings.Cut(email, "@")
	if user == "" {
		user = strings.TrimPrefix(email, "@")
	}
	safe := certmagic.StorageKeys.Safe
	return path.Join("acme", safe(issuer), "users", safe(email), safe(user)+".key")
}
