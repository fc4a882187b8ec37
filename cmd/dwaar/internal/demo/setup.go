package demo

import (
	"context"
	"fmt"
	"os"
	"path/filepath"

	"dwaar/ocspsvc/responder"
	"dwaar/proxy/admin"
)

const dataDirName = "data"

// setup is the demo's directory, ready to be served.
type setup struct {
	dir       string // as given, for printed lines
	abs       string
	ports     ports
	listeners listeners
	pki       *pki
	record    responder.Record // of the leaf
	made      []string         // what was not there before
	said      []string         // what differs from what one would expect
	admin     string           // the socket, for printed lines
	shortDir  string           // of a socket that found no place in the data directory; removed at the end
}

// prepare makes the directory, or what is missing in it.
func prepare(ctx context.Context, dir string) (s *setup, err error) {
	s = &setup{dir: dir}
	if s.abs, err = filepath.Abs(dir); err != nil {
		return nil, err
	}
	if err := os.MkdirAll(filepath.Join(s.abs, dataDirName), 0o700); err != nil {
		return nil, err
	}
	known := exists(filepath.Join(s.abs, portsFile))
	before := loadPorts(s.abs)
	if s.ports, s.listeners, s.said, err = choosePorts(s.abs); err != nil {
		return nil, err
	}
	begun := s
	defer func() {
		if err != nil {
			begun.close()
		}
	}()
	if s.pki, s.made, err = preparePKI(s.abs, s.responderURL()); err != nil {
		return nil, fmt.Errorf("making the demo's PKI: %w", err)
	}
	if err := s.register(ctx); err != nil {
		return nil, fmt.Errorf("making the demo's database: %w", err)
	}
	adminOption, err := s.placeSocket()
	if err != nil {
		return nil, err
	}
	fits := known && before == s.ports && s.shortDir == ""
	return s, s.writeTexts(adminOption, fits)
}

func (s *setup) writeTexts(adminOption string, fits bool) error {
	data := dwaarfileData{
		Ports: s.ports, Admin: adminOption,
		Cert: chainFile, Key: chainKey, // beside the Dwaarfile
	}
	return writeDwaarfile(s.abs, data, fits)
}

// placeSocket finds a path for the admin socket that is short enough. The default
// in the data directory needs no option.
func (s *setup) placeSocket() (option string, err error) {
	s.admin = filepath.Join(s.dir, dataDirName, admin.SocketName)
	if _, err := admin.ParseTarget(s.admin); err == nil {
		return "", nil
	}
	if s.shortDir, err = os.MkdirTemp("", "dwaar-demo-"); err != nil {
		return "", err
	}
	s.admin = filepath.Join(s.shortDir, admin.SocketName)
	return admin.DefaultListen(s.shortDir), nil
}

func (s *setup) close() {
	s.listeners.close()
	if s.shortDir != "" {
		_ = os.RemoveAll(s.shortDir)
	}
}

func (s *setup) path(name string) string { return filepath.Join(s.abs, name) }

func (s *setup) responderURL() string {
	return fmt.Sprintf("http://127.0.0.1:%d", s.ports.Responder)
}

func (s *setup) address() string { return fmt.Sprintf("127.0.0.1:%d", s.ports.HTTPS) }
