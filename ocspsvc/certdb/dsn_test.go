package certdb_test

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"dwaar/ocspsvc/certdb"
)

func TestDSNsTellNoPassword(t *testing.T) {
	for dsn, want := range map[certdb.DSN]string{
		"":                                 "",
		"sqlite:certs.db":                  "sqlite:certs.db",
		"postgres://ca@db/x":               "postgres://ca@db/x",
		"postgres://ca:hunter2@db:5432/x":  "postgres://ca:xxxxx@db:5432/x",
		"postgresql://ca:hunter2@db/x":     "postgresql://ca:xxxxx@db/x",
		"mysql://ca:hunter2@db/x?tls=true": "mysql://ca:xxxxx@db/x?tls=true",
		"postgres://db/x?password=hunter2": "postgres://db/x?password=xxxxx",
		"postgres://db/x?sslpassword=hunter2&sslmode=require": "postgres://db/x?sslmode=require&sslpassword=xxxxx",
		"mysql://ca:hunter2%zz@db/x":                          "mysql:…",
		"mysql://ca:hunter2@db:port/x":                        "mysql:…",
		"mysql://ca:1/hunter2@db/x":                           "mysql:…",
		"postgres://ca:1?hunter2@db/x":                        "postgres:…",
		"postgres://ca:1#hunter2@db/x":                        "postgres:…",
		"mysql:ca:hunter2@tcp(db)/x":                          "mysql:…",
		"host=db password=hunter2":                            "…",
		"ca:hunter2@tcp(db)/x":                                "…",
		"index:/etc/ssl/index.txt":                            "index:/etc/ssl/index.txt",
		"env:DATABASE":                                        "env:DATABASE",
	} {
		text, err := json.Marshal(dsn)
		if err != nil {
			t.Fatal(err)
		}
		var plain string
		_ = json.Unmarshal(text, &plain)
		for _, got := range []string{dsn.String(), fmt.Sprintf("%v", dsn), plain, dsn.LogValue().String()} {
			if got != want {
				t.Errorf("%q is shown as %q, want %q", string(dsn), got, want)
			}
		}
		if strings.Contains(fmt.Sprintf("%#v %q %+v", dsn, dsn, certdb.Config{Database: dsn}), "hunter2") {
			t.Errorf("%q tells its password", string(dsn))
		}
		if err := dsn.Check(); err != nil && strings.Contains(err.Error(), "hunter2") {
			t.Errorf("the refusal of %q tells its password: %v", string(dsn), err)
		}
		if dsn.Secret() != strings.Contains(string(dsn), "hunter2") {
			t.Errorf("%q is secret: %v", string(dsn), dsn.Secret())
		}
	}
}

func TestWrongDSNsAreRefusedWithWhatToDo(t *testing.T) {
	for dsn, want := range map[certdb.DSN]string{
		"":                         "no database is named",
		"certs.db":                 "a database is written sqlite:FILE",
		"oracle://x/y":             "a database is written sqlite:FILE",
		"sqlite:":                  "sqlite: names no file",
		"sqlite:a.db?mode=ro":      `unknown option "mode"`,
		"crl:ca.crl?unlisted=nice": "unlisted=nice is neither good nor unknown",
		"postgres://db":            "names no database",
		"mysql:ca@db/x":            "two slashes come after the colon",
		"mysql://ca:p%zz@db/x":     "special characters of the password as %40",
		"env:":                     "names nothing",
	} {
		if err := dsn.Check(); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want %q", string(dsn), err, want)
		}
	}
	for cfg, want := range map[certdb.Config]string{
		{Database: "sqlite:a", Schema: "list_certs"}:     "list_certs is a table in MySQL",
		{Database: "mysql://db/x", Schema: "ejbca"}:      `schema: "ejbca" is unknown`,
		{Database: "nonsense"}:                           "database: ",
		{Database: "mysql://h/db", Schema: "list_certs"}: "",
	} {
		err := cfg.Check()
		if want == "" != (err == nil) || err != nil && !strings.Contains(err.Error(), want) {
			t.Errorf("%+v: %v, want %q", cfg, err, want)
		}
	}
}

func TestDSNsMayBeElsewhere(t *testing.T) {
	dir := t.TempDir()
	real := "sqlite:" + filepath.Join(dir, "certs.db")
	t.Setenv("CERTDB_TEST", real)
	file := filepath.Join(dir, "dsn")
	if err := os.WriteFile(file, []byte(real+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, dsn := range []certdb.DSN{"env:CERTDB_TEST", certdb.DSN("file:" + file)} {
		db, err := certdb.Create(t.Context(), dsn)
		if err != nil {
			t.Fatal(err)
		}
		db.Close()
	}
	t.Setenv("CERTDB_TEST", "env:CERTDB_TEST")
	for dsn, want := range map[certdb.DSN]string{
		"env:CERTDB_TEST":    "the database that env:CERTDB_TEST names: a database is written",
		"env:CERTDB_NOT_SET": "the environment variable is not set",
		"file:/no/such/file": "no such file",
	} {
		if _, err := certdb.Use(t.Context(), dsn); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", dsn, err, want)
		}
	}
}

func TestRelativeFilesAreTakenFromADirectory(t *testing.T) {
	for dsn, want := range map[certdb.DSN]certdb.DSN{
		"sqlite:certs.db": "sqlite:/etc/dwaar/certs.db", "sqlite:/a/certs.db": "sqlite:/a/certs.db", "sqlite:///a/certs.db": "sqlite:///a/certs.db",
		"crl:ca.crl?unlisted=good": "crl:/etc/dwaar/ca.crl?unlisted=good", "file:dsn": "file:/etc/dwaar/dsn",
		"env:X": "env:X", "mysql://db/x": "mysql://db/x",
	} {
		if got := dsn.In("/etc/dwaar"); string(got) != string(want) {
			t.Errorf("%s in /etc/dwaar is %s, want %s", dsn, got, want)
		}
	}
}

// Whatever is around it, a password in a URL is not shown.
func FuzzRedact(f *testing.F) {
	f.Add("postgres", "ca", "@db/x", "")
	f.Add("mysql", "ca", "@db:port/x", "%zz")
	f.Add("mysql", "", "@/x?tls=true", "/")
	f.Fuzz(func(t *testing.T, kind, user, rest, odd string) {
		const secret = "hunter2hunter2"
		if strings.ContainsAny(kind, ":") || strings.ContainsAny(user, ":/?#@") || strings.ContainsAny(odd, "/?#@") {
			return // then it is no password
		}
		dsn := certdb.DSN(kind + "://" + user + ":" + secret + odd + rest)
		switch kind {
		case "sqlite", "index", "crl", "env", "file":
			return // the name of a file
		}
		if !strings.Contains(rest, "@") {
			return
		}
		if strings.Contains(dsn.String(), secret) {
			t.Errorf("%q is shown as %q", string(dsn), dsn)
		}
		if err := dsn.Check(); err != nil && strings.Contains(err.Error(), secret) {
			t.Errorf("%q is refused by %v", string(dsn), err)
		}
	})
}
