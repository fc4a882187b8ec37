package main

import (
	"encoding/json"
	"os"
	"strings"
	"testing"

	"dwaar/ocspsvc/ocsptest"
)

// dwaarfile writes a Dwaarfile beside the house's leaf, as the working directory.
func (h *house) dwaarfile(t *testing.T, text string) {
	t.Helper()
	t.Chdir(h.dir)
	ocsptest.WriteFile(t, h.dir, "Dwaarfile", []byte(text))
}

const goodSite = "localhost {\n\ttls leaf.pem leaf.key\n\trespond hello\n}\n"

// What three commands say about the same bad file, each once.
func TestBadDwaarfilesExitTwoWithEveryProblemInItsPlace(t *testing.T) {
	h := newHouse(t)
	t.Setenv("DWAAR_DATA", t.TempDir())
	h.dwaarfile(t, "localhost {\n\ttls leaf.pem leaf.key\n\trespnd hello\n}\n\na.example {\n\tphp_fastcgi x\n}\n")
	for _, command := range []string{"validate", "adapt", "run"} {
		r := dwaar(t, command)
		r.expect(t, 2, "Dwaarfile:3:2: ", "respnd", "Dwaarfile:7:2: ", "php_fastcgi is not supported by dwaar")
		lines := strings.Split(strings.TrimSpace(r.errors), "\n")
		if last := lines[len(lines)-1]; !strings.HasPrefix(last, "dwaar: Dwaarfile ") || r.out != "" {
			t.Errorf("%s ends with %q and prints %q", command, last, r.out)
		}
		for _, line := range lines[:len(lines)-1] {
			if !strings.HasPrefix(line, "Dwaarfile:") {
				t.Errorf("%s: a problem without a place: %s", command, line)
			}
		}
	}
}

func TestMissingDwaarfileIsNamed(t *testing.T) {
	t.Setenv("DWAAR_DATA", t.TempDir())
	t.Chdir(t.TempDir())
	for _, command := range []string{"validate", "adapt", "run"} {
		dwaar(t, command).expect(t, 2, "Dwaarfile: no such file")
		dwaar(t, command, "--config", "other").expect(t, 2, "other: no such file")
	}
}

func TestValidateLooksAtKeysAndAdaptDoesNot(t *testing.T) {
	h := newHouse(t)
	h.dwaarfile(t, goodSite)
	dwaar(t, "validate").expect(t, 0, "Dwaarfile is valid")
	_, other := h.ca.Leaf(t).Write(t, t.TempDir(), "other")
	if err := os.Rename(other, in(h.dir, "leaf.key")); err != nil {
		t.Fatal(err)
	}
	dwaar(t, "validate").expect(t, 2, "Dwaarfile:2:2: tls: ", "leaf.key", "dwaar: Dwaarfile is not valid")
	dwaar(t, "adapt").expect(t, 0)
	if err := os.Remove(in(h.dir, "leaf.key")); err != nil {
		t.Fatal(err)
	}
	dwaar(t, "validate").expect(t, 2, "Dwaarfile:2:2: tls: ", "leaf.key")
	dwaar(t, "adapt").expect(t, 0)
}

func TestValidateWarnsOnStderrAndExitsZero(t *testing.T) {
	h := newHouse(t)
	h.dwaarfile(t, "other.example {\n\ttls leaf.pem leaf.key\n\trespond hello\n}\n")
	r := dwaar(t, "validate")
	r.expect(t, 0, "Dwaarfile:2:2: tls: the certificate is not for other.example")
	if !strings.HasSuffix(r.errors, " (warning)\n") || r.out != "Dwaarfile is valid\n" {
		t.Errorf("validate prints %q and %q", r.out, r.errors)
	}
}

func TestAdaptPrintsJSONWithoutSecrets(t *testing.T) {
	h := newHouse(t)
	h.dwaarfile(t, "{\n\tadmin 127.0.0.1:2019 {\n\t\ttoken hunter2hunter2hunter2\n\t}\n}\n"+goodSite)
	r := dwaar(t, "adapt")
	r.expect(t, 0, `"listeners"`, h.dir+"/leaf.pem", `"max_age": "168h0m0s"`)
	if !json.Valid([]byte(r.out)) || strings.Contains(r.out, "hunter2") {
		t.Errorf("adapt prints\n%s", r.out)
	}
}
