// Package admin is the door through which the operator of a running dwaar
// looks and acts: status, certificates, metrics, health, reload, refresh, stop.
//
// It listens on a Unix socket that only its owner can open, or on TCP with a
// bearer token. It knows nobody behind the door: what it shows and does is the
// [Controller] it is given.
package admin

import (
	"errors"
	"fmt"
	"path/filepath"
)

// Off is the Listen value that keeps the door shut.
const Off = "off"

// SocketName is the file name of the socket in the data directory.
const SocketName = "admin.sock"

// Config is the global option admin.
type Config struct {
	// Listen is unix//PATH, host:port or off. Empty is refused by New: the
	// caller knows the data directory, see DefaultListen.
	Listen string `json:"listen,omitempty"`
	// Token is the bearer token that requests over TCP must carry. It is
	// required with host:port; a Unix socket is guarded by its permissions.
	Token string `json:"token,omitempty"`
}

// DefaultListen is where a dwaar without the option admin listens.
func DefaultListen(dataDir string) string {
	return unixPrefix + filepath.Join(dataDir, SocketName)
}

// Check reports what is wrong with c, or nil.
func (c Config) Check() error {
	if c.Listen == Off {
		return nil
	}
	addr, err := ParseAddress(c.Listen)
	if err != nil {
		return fmt.Errorf("admin: %w", err)
	}
	if addr.Network == "tcp" && c.Token == "" {
		return errors.New("admin: a TCP address needs a token: admin " + c.Listen + " { token … }")
	}
	return nil
}
