package config

import (
	"encoding/base64"
	"net/mail"
	"net/url"
	"strings"

	"dwaar/acme"
	"dwaar/acme/dns"
	"dwaar/acme/issuing"
	"dwaar/proxy/dwaarfile"
)

// defaultCA is what the global options say of the CA for every name that has no
// other one.
type defaultCA struct {
	directory string
	named     bool            // by acme_ca
	local     dwaarfile.Token // the option local_certs, zero if it is not there
	email     string
	roots     []string
	eab       *issuing.EAB

	needsDirectory []line // options that say nothing without acme_ca
}

// check reports what is said of a CA that is not named.
func (ca *defaultCA) check(b *builder) {
	if ca.named && ca.local.Text != "" {
		b.problem(ca.local, "local_certs and acme_ca both say where certificates come from: write one of them")
	}
	for _, l := range ca.needsDirectory {
		if !ca.named {
			l.problem(l.Name, "it is for the CA that acme_ca names, and there is no acme_ca")
		}
	}
}

func decodeEmail(l line, b *builder) { b.ca.email = l.email(l.Args[0]) }

func decodeACMECA(l line, b *builder) {
	b.ca.directory, b.ca.named = l.directory(l.Args[0]), true
}

func decodeACMECARoot(l line, b *builder) {
	b.ca.roots = []string{l.rootFile(l.Args[0])}
	b.ca.needsDirectory = append(b.ca.needsDirectory, l)
}

func decodeACMEEAB(l line, b *builder) {
	b.ca.needsDirectory = append(b.ca.needsDirectory, l)
	eab := &issuing.EAB{}
	b.language.eab.read(b, l.block(), 0, eab)
	for _, part := range []struct{ option, value string }{{"key_id", eab.KeyID}, {"mac_key", string(eab.HMAC)}} {
		if part.value == "" {
			l.problem(l.Name, "%s is missing", part.option)
		}
	}
	b.ca.eab = eab
}

func decodeOnDemandTLS(l line, b *builder) {
	b.onDemandTLS = l.Name
	b.config.ACME.OnDemand = &acme.OnDemand{}
	b.language.onDemand.read(b, l.block(), 0, b.config.ACME.OnDemand)
	if len(l.block()) == 0 {
		l.problem(l.Name, "write ask URL in it: without, anybody could have certificates ordered for any name")
	}
}

func decodeAsk(l line, o *acme.OnDemand) {
	ask, ok := l.expand(l.Args[0])
	o.Ask = ask
	u, err := url.Parse(o.Ask)
	if ok && (err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https") {
		l.problem(l.Args[0], "%q is not an http or https URL", o.Ask)
	}
}

// email is an argument that is an e-mail address.
func (l line) email(tok dwaarfile.Token) string {
	text, ok := l.expand(tok)
	if addr, err := mail.ParseAddress(text); ok && (err != nil || addr.Address != text) {
		l.problem(tok, "%q is not an e-mail address", text)
	}
	return text
}

// directory is an argument that is the directory URL of an ACME CA.
func (l line) directory(tok dwaarfile.Token) string {
	text, ok := l.expand(tok)
	u, err := url.Parse(text)
	if ok && (err != nil || u.Scheme != "https" || u.Host == "" || u.User != nil) {
		l.problem(tok, "%q is not the https URL of an ACME directory (RFC 8555 §6.1)", text)
	}
	return text
}

// rootFile is an argument that names a file of root certificates.
func (l line) rootFile(tok dwaarfile.Token) string {
	path := l.path(tok)
	l.b.config.RootFiles = append(l.b.config.RootFiles, RootFile{Position: tok.Pos, Path: path})
	return path
}

// macKey is an argument that is the key of an external account binding, in
// base64url (RFC 8555 §7.3.4). No problem with it tells what it is.
func (l line) macKey(tok dwaarfile.Token) dns.Secret {
	text, ok := l.expand(tok)
	text = strings.TrimRight(text, "=")
	if raw, err := base64.RawURLEncoding.DecodeString(text); ok && (err != nil || len(raw) == 0) {
		l.problem(tok, "a MAC key is written in base64url")
	}
	return dns.Secret(text)
}
