package redis

import (
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/url"
	"strconv"
	"strings"

	"dwaar/secret"
)

// URL says where a server is:
//
//	redis://user:password@host:6379/0    without TLS
//	rediss://user:password@host:6379/0   with TLS
//	unix:///run/redis/redis.sock?db=0    on this machine; user and password before the path
//	env:NAME                             one of these, in an environment variable
//	file:/run/secrets/redis              one of these, in a file
//
// User, password, port and database may be left out. It prints, and is marshalled, without
// its password.
type URL string

// String is the URL without its password.
func (u URL) String() string {
	if u.elsewhere() || u == "" {
		return string(u)
	}
	a, err := parse(string(u))
	if err != nil {
		return "…" // there may be a password in any part of a wrong one
	}
	return a.url.Redacted()
}

// GoString is String, so that no way of printing tells the password.
func (u URL) GoString() string { return u.String() }

// MarshalText is String.
func (u URL) MarshalText() ([]byte, error) { return []byte(u.String()), nil }

// LogValue is String.
func (u URL) LogValue() slog.Value { return slog.StringValue(u.String()) }

// Secret reports whether the text of the URL holds a password.
func (u URL) Secret() bool { return !u.elsewhere() && u.String() != string(u) }

// In returns the URL with a relative path of file: taken from a directory.
func (u URL) In(dir string) URL { return URL(secret.Value(u).In(dir)) }

// Check returns what is wrong with the URL as a text. It opens nothing.
func (u URL) Check() error {
	if u.elsewhere() {
		return secret.Value(u).Check()
	}
	_, err := parse(string(u))
	return err
}

// elsewhere reports whether the URL only says where it is written.
func (u URL) elsewhere() bool { return u != "" && !secret.Value(u).WrittenOut() }

// plain reports whether the URL is known to be without TLS.
func (u URL) plain() bool {
	a, err := parse(string(u))
	return err == nil && !a.tls
}

// Resolved is the URL without its password, read from where it is written.
func (u URL) Resolved() string {
	a, err := u.resolve()
	if err != nil {
		return u.String()
	}
	return a.url.Redacted()
}

// resolve reads the URL, which may be written elsewhere.
func (u URL) resolve() (address, error) {
	text, err := secret.Value(u).Read()
	switch {
	case err != nil:
		return address{}, err
	case !u.elsewhere():
		return parse(text)
	}
	a, err := parse(text)
	if err != nil {
		return address{}, fmt.Errorf("the URL that %s names: %w", u, err)
	}
	return a, nil
}

// address is a URL that has been read.
type address struct {
	url           *url.URL
	network, addr string // to dial
	host          string // for TLS
	tls           bool
	db            int
}

var (
	errScheme = errors.New("a server is written redis://host:port/db, rediss://host:port/db, unix:///path?db=N, env:NAME or file:PATH")
	errURL    = errors.New("the URL cannot be read: it is written redis://user:password@host:port/db, special characters of the password as %40 and the like")
)

// parse reads a URL that is written out. Its errors do not tell it: there may be a password
// in any part of a wrong one.
func parse(text string) (address, error) {
	if text == "" {
		return address{}, errors.New("no server is named")
	}
	scheme, _, found := strings.Cut(text, "://")
	if !found || scheme != "redis" && scheme != "rediss" && scheme != "unix" {
		return address{}, errScheme
	}
	u, err := url.Parse(text)
	if err != nil || u.Fragment != "" || u.User == nil && strings.Contains(u.EscapedPath()+u.RawQuery, "@") {
		return address{}, errURL
	}
	if scheme == "unix" {
		return parseUnix(u)
	}
	return parseTCP(u)
}

func parseTCP(u *url.URL) (address, error) {
	if u.Hostname() == "" {
		return address{}, errors.New("the URL names no host")
	}
	if u.RawQuery != "" {
		return address{}, errors.New("the URL has options behind a question mark: there are none")
	}
	port := u.Port()
	if port == "" {
		port = "6379"
	}
	a := address{url: u, network: "tcp", addr: net.JoinHostPort(u.Hostname(), port), host: u.Hostname(), tls: u.Scheme == "rediss"}
	var err error
	a.db, err = database(strings.Trim(u.Path, "/"))
	return a, err
}

func parseUnix(u *url.URL) (address, error) {
	if u.Host != "" || u.Path == "" || u.Path == "/" {
		return address{}, errors.New("the URL names no socket: three slashes come after the colon, as in unix:///run/redis/redis.sock")
	}
	options := u.Query()
	for option := range options {
		if option != "db" {
			return address{}, errors.New("the URL has an unknown option behind its question mark: there is db")
		}
	}
	a := address{url: u, network: "unix", addr: u.Path}
	var err error
	a.db, err = database(options.Get("db"))
	return a, err
}

func database(text string) (int, error) {
	if text == "" {
		return 0, nil
	}
	db, err := strconv.ParseUint(text, 10, 16)
	if err != nil {
		return 0, errors.New("the URL names no database: it is a number, as in redis://host:6379/0")
	}
	return int(db), nil
}
