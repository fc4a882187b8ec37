package main

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"syscall"

	"dwaar/ocspsvc"
	"dwaar/ocspsvc/certdb"
)

type caCmd struct {
	Add      caAddCmd      `cmd:"" help:"Add certificates that the CA has issued."`
	Revoke   caRevokeCmd   `cmd:"" help:"Revoke a certificate."`
	Unrevoke caUnrevokeCmd `cmd:"" help:"Lift the hold of a certificate (certificateHold)."`
	List     caListCmd     `cmd:"" help:"List the certificates and their statuses."`
	Import   caImportCmd   `cmd:"" help:"Take over an index.txt, a CRL or a directory of certificates."`
	Export   caExportCmd   `cmd:"" help:"Write the index.txt that openssl reads."`
	CRL      caCRLCmd      `cmd:"" name:"crl" help:"Sign a certificate revocation list."`
}

// caFlags say which database, and whose certificates in it.
type caFlags struct {
	Database string `required:"" placeholder:"DB" type:"file" env:"DWAAR_DATABASE" help:"sqlite:FILE, postgres://USER:PASSWORD@HOST/NAME, mysql://USER:PASSWORD@HOST/NAME, or env:NAME or file:FILE that holds one of these."`
	Issuer   string `required:"" placeholder:"FILE" type:"file" help:"The certificate of the CA (PEM or DER)."`
}

// Validate is called by kong: a wrong command line, not a failure.
func (f caFlags) Validate() error {
	if f.Database == "" {
		return nil // kong says so itself
	}
	return certdb.Config{Database: f.dsn()}.Check()
}

func (f caFlags) dsn() certdb.DSN { return certdb.DSN(f.Database) }

// issuer reads the one certificate of the CA.
func (f caFlags) issuer() (*x509.Certificate, error) {
	certs, err := readCertificates(f.Issuer)
	if err != nil {
		return nil, err
	}
	if len(certs) > 1 {
		return nil, fmt.Errorf("%s has %d certificates: --issuer takes a file with the one of the CA that issued the certificates", f.Issuer, len(certs))
	}
	if cert := certs[0]; cert.BasicConstraintsValid && !cert.IsCA || !cert.BasicConstraintsValid && cert.Version == 3 {
		return nil, fmt.Errorf("%s is the certificate of %s, which is not a CA", f.Issuer, cert.Subject)
	}
	return certs[0], nil
}

// books is an open database and whose certificates are meant.
type books struct {
	*certdb.DB
	caFlags
	issuer *x509.Certificate
}

// opener is certdb.Create or certdb.Use.
type opener func(context.Context, certdb.DSN) (*certdb.DB, error)

// with opens the database for work, until that is done or the user has had
// enough.
func (f caFlags) with(open opener, work func(context.Context, *books) error) (err error) {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	issuer, err := f.issuer()
	if err != nil {
		return err
	}
	db, err := open(ctx, f.dsn())
	if errors.Is(err, os.ErrNotExist) {
		err = fmt.Errorf("%w; `dwaar ca add` makes it", err)
	}
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	return work(ctx, &books{DB: db, caFlags: f, issuer: issuer})
}

// issuedIn returns the certificates of a file that the CA has issued. A chain
// file has those of CAs above it too, but a file without any of its own was not
// meant.
func (b *books) issuedIn(path string) ([]*x509.Certificate, error) {
	certs, err := readCertificates(path)
	if err != nil {
		return nil, err
	}
	var issued []*x509.Certificate
	for _, cert := range certs {
		if !cert.Equal(b.issuer) && ocspsvc.FindIssuer(cert, []*x509.Certificate{b.issuer}) != nil {
			issued = append(issued, cert)
		}
	}
	if len(issued) == 0 {
		leaf := leafOf(certs)
		return nil, fmt.Errorf("%s: the certificate of %s was issued by %s, not by %s, which --issuer %s names", path, leaf.Subject, leaf.Issuer, b.issuer.Subject, b.Issuer)
	}
	return issued, nil
}
