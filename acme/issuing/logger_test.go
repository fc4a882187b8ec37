package issuing_test

import (
	"bytes"
	"encoding/json"
	"log/slog"
	"strings"
	"testing"

	"dwaar/acme/issuing"
)

// What certmagic says is told in its group; that it failed is for the caller to tell.
func TestCertmagicsLogIsPartOfOurs(t *testing.T) {
	t.Parallel()
	ca := newFakeCA(t)
	ca.validate = func(string, string, string) bool { return false }
	var text bytes.Buffer
	log := slog.New(slog.NewJSONHandler(&text, &slog.HandlerOptions{Level: slog.LevelInfo}))
	i := issuing.New(openStorage(t, t.TempDir()), nil, log, issuing.Options{})
	if _, err := i.Obtain(soon(t), policy(ca), name); err == nil {
		t.Fatal("it was not to succeed")
	}
	said := false
	for line := range strings.Lines(text.String()) {
		var record struct {
			Level string
			ACME  map[string]any
		}
		if err := json.Unmarshal([]byte(line), &record); err != nil {
			t.Fatalf("%s: %v", line, err)
		}
		if record.Level != "WARN" || len(record.ACME) == 0 {
			t.Errorf("line %s", line)
		}
		said = said || record.ACME["identifier"] == name
	}
	if !said {
		t.Errorf("no line about %s in %s", name, text.String())
	}
}
