package issuing

import (
	"context"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"strings"
	"time"
)

// IssuersError is why each issuer of a policy, in order, did not issue.
type IssuersError []error

// Error implements error.
func (e IssuersError) Error() string {
	var all []string
	for _, err := range e {
		all = append(all, err.Error())
	}
	return strings.Join(all, "; ")
}

// Unwrap makes errors.Is and errors.As look at all of them.
func (e IssuersError) Unwrap() []error { return e }

// Obtain gets a certificate for a name, trying each issuer once. If a usable one is in
// storage by now, that is returned and nothing is ordered: of several processes on one
// storage, one places the order. When it returns, the certificate survives a crash.
//
// The error is an IssuersError if issuers were asked. Time is the context's to bound; of
// what is left each issuer gets its share, so that one that hangs leaves some to the next.
func (i *Issuing) Obtain(ctx context.Context, p Policy, name string) (*Certificate, error) {
	var cert *Certificate
	err := i.whileIssuing(ctx, name, func(ctx context.Context) (err error) {
		i.settle(ctx, p, name)
		cert, err = i.Load(ctx, p, name)
		if errors.Is(err, fs.ErrNotExist) {
			cert, err = i.askAll(ctx, p, name, nil)
		}
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("obtaining a certificate for %s: %w", name, err)
	}
	return cert, nil
}

// Renew gets another certificate for a name, as Obtain does, in place of the one in storage
// or of the one that o names. An ACME CA that issued that one is told so (RFC 9773 §5).
func (i *Issuing) Renew(ctx context.Context, p Policy, name string, o RenewOptions) (*Certificate, error) {
	var cert *Certificate
	err := i.whileIssuing(ctx, name, func(ctx context.Context) error {
		i.settle(ctx, p, name)
		stored, err := i.Load(ctx, p, name)
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
		if stored != nil && o.Replaces != nil && stored.replaced(o.Replaces) {
			cert = stored
			return nil
		}
		replaces := o.Replaces
		if replaces == nil {
			replaces = stored
		}
		cert, err = i.askAll(ctx, p, name, replaces)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("renewing the certificate for %s: %w", name, err)
	}
	return cert, nil
}

// askAll asks one issuer after the other. It is called under the lock of the order.
func (i *Issuing) askAll(ctx context.Context, p Policy, name string, replaces *Certificate) (*Certificate, error) {
	if err := errors.Join(p.Check(), p.checkName(name)); err != nil {
		return nil, err
	}
	defer i.beginSolving(p, name)()
	var failed IssuersError
	for n, c := range p.Issuers {
		share, cancel := shareOf(ctx, len(p.Issuers)-n)
		cert, err := i.ask(share, p, c, name, replaces)
		cancel()
		if err == nil {
			i.noteFailed(name, c, failed)
			return cert, nil
		}
		failed = append(failed, fmt.Errorf("issuer %s: %w", c.key(), err))
		if ctx.Err() != nil || isOurs(err) {
			break
		}
	}
	return nil, failed
}

// isOurs reports whether an error is none that another issuer could do better with: storage's,
// or a certificate that was issued all the same.
func isOurs(err error) bool {
	var lost *UnsavedError
	return isTrouble(err) || errors.As(err, &lost)
}

// noteFailed says why those who were asked before c did not issue: c's success hides it.
func (i *Issuing) noteFailed(name string, c IssuerConfig, failed IssuersError) {
	if len(failed) > 0 {
		i.log.Warn("another issuer had to step in", "names", name, "issuer", c.key(), "err", failed)
	}
}

// shareOf is the time the next of so many issuers has.
func shareOf(ctx context.Context, issuers int) (context.Context, context.CancelFunc) {
	end, bounded := ctx.Deadline()
	if !bounded {
		return context.WithCancel(ctx)
	}
	return context.WithTimeout(ctx, time.Until(end)/time.Duration(issuers))
}

// ask gets a certificate from one issuer into storage. Whether storage takes it is tried
// before the CA is asked, which may not issue another one so soon.
func (i *Issuing) ask(ctx context.Context, p Policy, c IssuerConfig, name string, replaces *Certificate) (*Certificate, error) {
	release, err := i.reserve(ctx, c.key(), name)
	if err != nil {
		return nil, err
	}
	cert, err := i.issue(ctx, p, c, name, replaces)
	if err != nil {
		release()
		return nil, err
	}
	if err := i.saveIssued(ctx, cert); err != nil {
		return nil, err
	}
	return cert, nil
}

// issue returns what the issuer made, once it is what was asked for.
func (i *Issuing) issue(ctx context.Context, p Policy, c IssuerConfig, name string, replaces *Certificate) (*Certificate, error) {
	csr, keyPEM, err := newRequest(p, name)
	if err != nil {
		return nil, err
	}
	chain, meta, err := i.sign(tell(ctx, c, replaces), p, c, csr)
	if replaces != nil && refusesToReplace(err) {
		i.log.Warn("the CA does not know what the order replaces, ordering without saying so", "names", name, "issuer", c.key(), "err", err)
		chain, meta, err = i.sign(ctx, p, c, csr)
	}
	if err != nil {
		return nil, err
	}
	cert, err := parse(c.key(), name, chain, keyPEM)
	if err == nil && cert.expired(time.Now()) {
		err = fmt.Errorf("it expired %v", cert.Leaf.NotAfter)
	}
	if err != nil {
		return nil, fmt.Errorf("the issued certificate is of no use: %w", err)
	}
	cert.meta = meta
	return cert, nil
}

// sign returns the chain and what the issuer says about it.
func (i *Issuing) sign(ctx context.Context, p Policy, c IssuerConfig, csr *x509.CertificateRequest) ([]byte, json.RawMessage, error) {
	if !c.acme() {
		if i.local == nil {
			return nil, nil, errors.New("there is no local CA")
		}
		chain, err := i.local.Issue(ctx, csr)
		return chain, nil, err
	}
	issued, err := i.order(ctx, p, c, csr)
	if err != nil {
		return nil, nil, err
	}
	meta, err := json.Marshal(issued.Metadata)
	return issued.Certificate, meta, err
}
