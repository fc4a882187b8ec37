package admin

import (
	"errors"
	"fmt"
	"net"
	"path/filepath"
	"strconv"
	"strings"
)

const unixPrefix = "unix/"

// maxSocketPath is below what every system takes for a socket's path (104
// bytes on BSD, 108 on Linux), so that the same file works everywhere.
const maxSocketPath = 100

// Address is a parsed place to listen on or to connect to.
type Address struct {
	Network string // "unix" or "tcp"
	Addr    string // absolute path, or host:port
}

// String is the form written in a Dwaarfile.
func (a Address) String() string {
	if a.Network == "unix" {
		return unixPrefix + a.Addr
	}
	return a.Addr
}

// ParseAddress reads what may follow the option admin: unix//PATH or host:port.
func ParseAddress(s string) (Address, error) {
	if path, ok := strings.CutPrefix(s, "unix:"); ok {
		return Address{}, fmt.Errorf("%q: a socket is written %s", s, unixPrefix+"/"+strings.TrimLeft(path, "/"))
	}
	if path, ok := strings.CutPrefix(s, unixPrefix); ok {
		return unixAddress(path)
	}
	return tcpAddress(s)
}

// ParseTarget reads what may follow the flag --admin: everything ParseAddress
// takes, and the path of a socket without its prefix.
func ParseTarget(s string) (Address, error) {
	if strings.HasPrefix(s, unixPrefix) || strings.HasPrefix(s, "unix:") || !looksLikePath(s) {
		return ParseAddress(s)
	}
	path, err := filepath.Abs(s)
	if err != nil {
		return Address{}, err
	}
	return unixAddress(path)
}

func looksLikePath(s string) bool {
	return s != "" && (strings.ContainsRune(s, filepath.Separator) || !strings.Contains(s, ":"))
}

func unixAddress(path string) (Address, error) {
	switch {
	case !filepath.IsAbs(path):
		return Address{}, fmt.Errorf("%q: the path of a socket is absolute, as in unix//run/dwaar/admin.sock", unixPrefix+path)
	case strings.ContainsRune(path, 0):
		return Address{}, errors.New("the path of a socket holds no NUL byte")
	case len(path) > maxSocketPath:
		return Address{}, fmt.Errorf("the path of the socket is %d bytes long and at most %d work everywhere: "+
			"set a shorter one with the option admin (admin unix//run/dwaar/admin.sock): %s", len(path), maxSocketPath, path)
	}
	return Address{Network: "unix", Addr: filepath.Clean(path)}, nil
}

func tcpAddress(s string) (Address, error) {
	_, port, err := net.SplitHostPort(s)
	if err != nil {
		return Address{}, fmt.Errorf("%q is neither unix//PATH nor host:port nor off", s)
	}
	if n, err := strconv.ParseUint(port, 10, 16); err != nil || n == 0 {
		return Address{}, fmt.Errorf("%q: the port is a number from 1 to 65535", s)
	}
	return Address{Network: "tcp", Addr: s}, nil
}
