package dns

import (
	"fmt"
	"os"
	"path/filepath"
	"time"
)

// ExecConfig names a program that knows how to change a zone.
type ExecConfig struct {
	// Path is the program's absolute path. It is called as
	//
	//	PATH present _acme-challenge.example.com. VALUE
	//	PATH cleanup _acme-challenge.example.com. VALUE
	//
	// and exits with 0 when that TXT record has been added or removed. Other values at
	// the same name must stay, and to clean up what is not there is no failure.
	Path string `json:"path"`

	// Timeout bounds one call. Default 60 s.
	Timeout time.Duration `json:"timeout,omitempty"`
}

const defaultHookTimeout = time.Minute

// Check reports what is wrong with c, or nil. It does not look for the program.
func (c ExecConfig) Check() error {
	switch {
	case c.Path == "":
		return fmt.Errorf("dns: exec: name the program to call")
	case !filepath.IsAbs(c.Path):
		return fmt.Errorf("dns: exec: the path of the program is absolute, %q is not", c.Path)
	case c.Timeout < 0:
		return fmt.Errorf("dns: exec: timeout must not be negative, is %v", c.Timeout)
	}
	return nil
}

// findProgram refuses what cannot be run.
func (c ExecConfig) findProgram() error {
	info, err := os.Stat(c.Path)
	if err != nil {
		return fmt.Errorf("dns: exec: %w", err)
	}
	if !info.Mode().IsRegular() || info.Mode().Perm()&0o111 == 0 {
		return fmt.Errorf("dns: exec: %s is not an executable file", c.Path)
	}
	return nil
}
