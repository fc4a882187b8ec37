package responders

import (
	"bytes"
	"crypto/sha256"
	"crypto/x509"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"time"

	"dwaar/ocspsvc/certdb"
	"dwaar/ocspsvc/responder"
)

// Config is what is said of one responder: what it answers, and where its
// records are.
type Config struct {
	Answers responder.Config
	Records certdb.Config
}

// Loaded is a Config with what the files hold that it names. Its database is
// not open.
type Loaded struct {
	Config
	// Warnings is what is in order and will soon not be.
	Warnings []string

	keys   responder.Keys
	name   string
	digest [sha256.Size]byte // of all it says
}

// Load reads the files of c, and checks that clients will believe what is going
// to be signed with them. Its error has a line for each thing that is wrong,
// which begins with the name of the option. It opens no database.
func Load(c Config) (*Loaded, error) {
	if err := c.Answers.Check(); err != nil {
		return nil, err
	}
	if err := c.Records.Check(); err != nil {
		return nil, err
	}
	if c.Answers.Presign && c.Records.Schema != "" {
		return nil, fmt.Errorf("presign: a table in the schema %s cannot be gone through", c.Records.Schema)
	}
	keys, err := c.Answers.Load()
	if err != nil {
		return nil, err
	}
	l := &Loaded{Config: c, keys: keys, Warnings: c.Records.Warnings()}
	trial, err := responder.NewSigner(c.Answers, keys, responder.NewMemory(), nil)
	if err != nil {
		return nil, fmt.Errorf("signer: %w", err)
	}
	for _, s := range trial.Status().Signers {
		if s.State != "valid" {
			l.Warnings = append(l.Warnings, fmt.Sprintf("signer: the certificate of %s ends %s", s.Signer, s.NotAfter.Format(time.RFC3339)))
		}
	}
	l.name = l.nameOf()
	l.digest, err = l.sum()
	return l, err
}

// For reports whether the certificates of issuer are answered for.
func (l *Loaded) For(issuer *x509.Certificate) bool {
	return slices.ContainsFunc(l.keys.Authorities, func(a responder.Authority) bool {
		return bytes.Equal(a.Issuer.RawSubject, issuer.RawSubject) && bytes.Equal(a.Issuer.RawSubjectPublicKeyInfo, issuer.RawSubjectPublicKeyInfo)
	})
}

// nameOf is what people call it: the CAs it answers for.
func (l *Loaded) nameOf() string {
	var names []string
	for _, a := range l.keys.Authorities {
		name := a.Issuer.Subject.CommonName
		if name == "" {
			name = a.Issuer.Subject.String()
		}
		if !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	return strings.Join(names, ", ")
}

// maxFile is how many octets of a file are looked at; larger ones were refused.
const maxFile = 1 << 20

// sum is the same for what says the same, with the same in its files.
func (l *Loaded) sum() (digest [sha256.Size]byte, err error) {
	h := sha256.New()
	if err := json.NewEncoder(h).Encode(l.Answers); err != nil {
		return digest, err
	}
	dsn := string(l.Records.Database) // as JSON it has no password
	fmt.Fprintf(h, "%q %q\n", dsn, l.Records.Schema)
	files := slices.Concat(l.Answers.Issuers, l.Answers.Requesters)
	for _, pair := range l.Answers.Signers {
		files = append(files, pair.Certificate, pair.Key)
	}
	if name, ok := strings.CutPrefix(dsn, "env:"); ok {
		fmt.Fprintf(h, "%q\n", os.Getenv(name))
	}
	if path, ok := strings.CutPrefix(dsn, "file:"); ok {
		files = append(files, path)
	}
	for _, path := range files {
		if err := addFile(h, path); err != nil {
			return digest, err
		}
	}
	return [sha256.Size]byte(h.Sum(nil)), nil
}

func addFile(h io.Writer, path string) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer f.Close()
	sum := sha256.New()
	_, err = io.Copy(sum, io.LimitReader(f, maxFile))
	fmt.Fprintf(h, "%q %x\n", path, sum.Sum(nil))
	return err
}
