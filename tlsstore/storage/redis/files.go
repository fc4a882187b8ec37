package redis

import (
	"errors"
	"fmt"
)

// CheckFiles returns what is wrong with what the settings only name: the variable or file with
// the URL, certificates and keys; each by the name of its option. It opens no connection.
func (c Config) CheckFiles() error {
	var wrong []error
	a, err := c.URL.resolve()
	switch {
	case err != nil:
		wrong = append(wrong, fmt.Errorf("url: %w", err))
	case !a.tls && c.TLS != (TLS{}):
		wrong = append(wrong, errTLSUnused)
	}
	if _, err := c.TLS.config(a.host); err != nil {
		wrong = append(wrong, err)
	}
	return errors.Join(wrong...)
}

var errTLSUnused = errors.New("tls: the URL is not rediss://…, so there is no TLS")
