package integration

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// docs/dwaar.service is understood by systemd to the last word, and runs commands that dwaar
// has.
func TestUnitFileIsUnderstood(t *testing.T) {
	t.Parallel()
	text := string(must(t)(os.ReadFile("../docs/dwaar.service")).([]byte))
	path := filepath.Join(t.TempDir(), "dwaar.service")
	installed := strings.ReplaceAll(text, "/usr/bin/dwaar", binaries.Plain)
	if err := os.WriteFile(path, []byte(installed), 0o600); err != nil {
		t.Fatal(err)
	}
	out, err := exec.Command("systemd-analyze", "verify", path).CombinedOutput()
	if said := about(string(out), "dwaar.service"); err != nil || said != "" {
		t.Errorf("systemd-analyze verify: %v\n%s", err, said)
	}
	commands := 0
	for line := range strings.Lines(text) {
		_, command, found := strings.Cut(strings.TrimSpace(line), "=/usr/bin/dwaar ")
		if !found {
			continue
		}
		commands++
		if out, err := exec.Command(binaries.Plain, append(strings.Fields(command), "--help")...).CombinedOutput(); err != nil {
			t.Errorf("dwaar %s: %v\n%s", command, err, out)
		}
	}
	if commands != 2 {
		t.Errorf("%d commands, want ExecStart and ExecReload", commands)
	}
}

// about are the lines that are about one file.
func about(text, file string) (said string) {
	for line := range strings.Lines(text) {
		if strings.Contains(line, file) {
			said += line
		}
	}
	return said
}
