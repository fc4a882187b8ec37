package certdb

import (
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// DSN says where a database is:
//
//	sqlite:certs.db                           a file, which is made if it is not there
//	postgres://user:password@host/name        PostgreSQL
//	mysql://user:password@host/name           MySQL or MariaDB
//	index:/etc/ssl/ca/index.txt               the database of `openssl ca`, read only
//	crl:/etc/ssl/ca/ca.crl                    a CRL, read only
//	env:NAME                                  one of these, in an environment variable
//	file:/run/secrets/dsn                     one of these, in a file
//
// It prints, and is marshalled, without its password.
type DSN string

// The kinds of databases, which a DSN begins with.
const (
	kindSQLite   = "sqlite"
	kindPostgres = "postgres"
	kindMySQL    = "mysql"
	kindIndex    = "index"
	kindCRL      = "crl"
	kindEnv      = "env"
	kindFile     = "file"
)

// String is the DSN without its password.
func (d DSN) String() string { return Redact(string(d)) }

// GoString is String, so that no way of printing tells the password.
func (d DSN) GoString() string { return d.String() }

// MarshalText is String.
func (d DSN) MarshalText() ([]byte, error) { return []byte(d.String()), nil }

// LogValue is String.
func (d DSN) LogValue() slog.Value { return slog.StringValue(d.String()) }

// Secret reports whether the text of the DSN holds a password.
func (d DSN) Secret() bool { return Redact(string(d)) != string(d) }

// In returns the DSN with a relative path taken from a directory.
func (d DSN) In(dir string) DSN {
	kind, rest, _ := strings.Cut(string(d), ":")
	switch kind {
	case kindSQLite, kindIndex, kindCRL, kindFile:
		if path := strings.TrimPrefix(rest, "//"); path != "" && !filepath.IsAbs(path) {
			return DSN(kind + ":" + filepath.Join(dir, path))
		}
	}
	return d
}

// Check returns what is wrong with the DSN as a text. It opens nothing.
func (d DSN) Check() error {
	switch kind, rest, _ := strings.Cut(string(d), ":"); kind {
	case kindEnv, kindFile:
		if rest == "" {
			return fmt.Errorf("%s: names nothing: write env:NAME or file:PATH", d)
		}
		return nil
	}
	_, err := parse(string(d))
	return err
}

// address is a DSN that has been read.
type address struct {
	kind    string
	path    string     // of a file
	url     *url.URL   // of a server
	options url.Values // what comes after a question mark
}

// maxDSN is how many octets of a file with a DSN are read.
const maxDSN = 64 << 10

// resolve reads the DSN, which may be elsewhere.
func (d DSN) resolve() (address, error) {
	kind, rest, _ := strings.Cut(string(d), ":")
	switch kind {
	case kindEnv:
		value, ok := os.LookupEnv(rest)
		if !ok || value == "" {
			return address{}, fmt.Errorf("%s: the environment variable is not set", d)
		}
		return parseOf(d, value)
	case kindFile:
		text, err := readDSN(rest)
		if err != nil {
			return address{}, err
		}
		return parseOf(d, text)
	}
	return parse(string(d))
}

func parseOf(d DSN, text string) (address, error) {
	a, err := parse(strings.TrimSpace(text))
	if err != nil {
		return address{}, fmt.Errorf("the database that %s names: %w", d, err)
	}
	return a, nil
}

func readDSN(path string) (string, error) {
	f, err := os.Open(path)
	if err != nil {
		return "", err
	}
	defer f.Close()
	text, err := io.ReadAll(io.LimitReader(f, maxDSN))
	return string(text), err
}

var errScheme = errors.New("a database is written sqlite:FILE, postgres://…, mysql://…, index:FILE, crl:FILE, env:NAME or file:FILE")

// parse reads a DSN that is written out. Its errors do not tell it: there may be
// a password in any part of a wrong one.
func parse(text string) (address, error) {
	kind, rest, found := strings.Cut(text, ":")
	if kind == "postgresql" {
		kind = kindPostgres
	}
	switch {
	case text == "":
		return address{}, errors.New("no database is named")
	case !found:
		return address{}, errScheme
	case slices.Contains([]string{kindSQLite, kindIndex, kindCRL}, kind):
		return parseFile(kind, strings.TrimPrefix(rest, "//"))
	case kind == kindPostgres || kind == kindMySQL:
		return parseServer(kind, text)
	}
	return address{}, errScheme
}

// unlisted is the option of a CRL that says what a serial is that is not on it.
const unlisted = "unlisted"

func parseFile(kind, rest string) (address, error) {
	path, query, _ := strings.Cut(rest, "?")
	options, err := url.ParseQuery(query)
	switch {
	case err != nil:
		return address{}, fmt.Errorf("%s: what follows the question mark cannot be read", kind)
	case path == "":
		return address{}, fmt.Errorf("%s: names no file", kind)
	}
	for option, values := range options {
		if kind != kindCRL || option != unlisted {
			return address{}, fmt.Errorf("%s: unknown option %q", kind, option)
		}
		if v := values[len(values)-1]; v != "good" && v != "unknown" {
			return address{}, fmt.Errorf("crl: unlisted=%s is neither good nor unknown", v)
		}
	}
	return address{kind: kind, path: path, options: options}, nil
}

func parseServer(kind, text string) (address, error) {
	u, err := url.Parse(text)
	switch {
	case err != nil || cutApart(u):
		return address{}, fmt.Errorf("%s: the address cannot be read: it is written %s://user:password@host:port/name, special characters of the password as %%40 and the like", kind, kind)
	case u.Opaque != "":
		return address{}, fmt.Errorf("%s: two slashes come after the colon", kind)
	case strings.Trim(u.Path, "/") == "":
		return address{}, fmt.Errorf("%s: the address names no database: it is written %s://user:password@host:port/name", kind, kind)
	}
	return address{kind: kind, url: u, options: u.Query()}, nil
}

// Redact returns a DSN without its password, and of one that cannot be read only
// what it begins with.
func Redact(dsn string) string {
	kind, _, found := strings.Cut(dsn, ":")
	switch kind {
	case kindSQLite, kindIndex, kindCRL, kindEnv, kindFile:
		return dsn
	case kindPostgres, "postgresql", kindMySQL:
	default:
		if dsn == "" {
			return ""
		}
		return "…"
	}
	u, err := url.Parse(dsn)
	if err != nil || u.Opaque != "" || !found || cutApart(u) {
		return kind + ":…"
	}
	return redactURL(u, dsn)
}

// cutApart reports whether a password with an unescaped slash, question mark or
// hash has ended up in the path or behind it.
func cutApart(u *url.URL) bool {
	return u.User == nil && strings.Contains(u.EscapedPath()+u.RawQuery+u.Fragment, "@")
}

// redactURL leaves a text alone that holds no password.
func redactURL(u *url.URL, text string) string {
	options, secret := u.Query(), false
	for option := range options {
		if strings.Contains(strings.ToLower(option), "password") {
			options.Set(option, "xxxxx")
			secret = true
		}
	}
	if secret {
		u.RawQuery = options.Encode()
	}
	if _, has := u.User.Password(); !has && !secret {
		return text
	}
	return u.Redacted()
}
