package mirror

import (
	"strings"
	"time"
)

// Status says how a Mirror is.
type Status struct {
	Up    bool      // the shared storage is used
	Since time.Time // when that changed last
	Error string    // why it is down; empty if it is up

	Owed       int    // answers that the shared storage does not have yet
	Whole      bool   // the local copy has everything
	LocalError string // why the local copy is not written; empty if it is
}

// Status returns how it is now.
func (m *Mirror) Status() Status {
	m.mu.Lock()
	defer m.mu.Unlock()
	s := Status{
		Up: m.contact.up, Since: m.contact.since.Round(0).UTC(), Error: text(m.contact.err),
		Owed: len(m.owed), Whole: m.state.Whole, LocalError: text(m.unsure.err),
	}
	return s
}

func text(err error) string {
	if err == nil {
		return ""
	}
	return strings.ReplaceAll(err.Error(), "\n", "; ")
}
