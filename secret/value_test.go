package secret_test

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"dwaar/secret"
)

func TestAValueIsReadFromWhereItIs(t *testing.T) {
	dir := t.TempDir()
	write(t, filepath.Join(dir, "key"), "  from a file\n")
	write(t, filepath.Join(dir, "empty"), "\n")
	write(t, filepath.Join(dir, "large"), strings.Repeat("x", 64<<10+1))
	t.Setenv("DWAAR_TEST_KEY", "from the environment\n")
	for _, test := range []struct{ value, want, err string }{
		{"env:DWAAR_TEST_KEY", "from the environment", ""},
		{"file:key", "from a file", ""},
		{"file:" + filepath.Join(dir, "key"), "from a file", ""},
		{" as it is ", " as it is ", ""},
		{"", "", ""},
		{"env:", "", "env: names nothing"},
		{"file:", "", "file: names nothing"},
		{"env:DWAAR_NOT_SET", "", "env:DWAAR_NOT_SET: the environment variable is not set"},
		{"file:empty", "", "file:" + filepath.Join(dir, "empty") + ": the file is empty"},
		{"file:none", "", "no such file"},
		{"file:large", "", "over 65536 octets"},
	} {
		got, err := secret.Value(test.value).In(dir).Read()
		if got != test.want || (err == nil) != (test.err == "") || err != nil && !strings.Contains(err.Error(), test.err) {
			t.Errorf("%q is read as %q, %v; want %q, %q", test.value, got, err, test.want, test.err)
		}
	}
}

func TestNoWayOfPrintingTellsAValue(t *testing.T) {
	for value, want := range map[secret.Value]string{"hunter2": "REDACTED", "env:KEY": "env:KEY", "file:/run/key": "file:/run/key", "": ""} {
		marshalled, err := json.Marshal(value)
		if err != nil {
			t.Fatal(err)
		}
		for _, got := range []string{
			fmt.Sprint(value), fmt.Sprintf("%v", value), fmt.Sprintf("%#v", value), strings.Trim(fmt.Sprintf("%q", value), `"`),
			value.LogValue().String(), strings.Trim(string(marshalled), `"`),
		} {
			if got != want {
				t.Errorf("%s is printed as %s", want, got)
			}
		}
	}
}

func write(t *testing.T, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}
