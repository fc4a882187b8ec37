package main

import (
	"strings"
	"testing"
)

func TestWrongUseExitsTwoAndSaysWhereHelpIs(t *testing.T) {
	t.Setenv("DWAAR_DATA", t.TempDir())
	cases := map[string]string{
		"":                       `expected one of "run"`,
		"nonsense":               "unexpected argument nonsense",
		"run --bogus":            "unknown flag --bogus (see dwaar run --help)",
		"fmt a b":                "unexpected argument b (see dwaar fmt --help)",
		"fmt --check --write":    "--check and --write can't be used together",
		"fmt --write -":          "--write needs a file",
		"reload too many":        "unexpected argument too (see dwaar reload --help)",
		"certs":                  `expected one of "list", "show"`,
		"certs show":             `expected "<name>"`,
		"certs renew":            `expected "<name>"`,
		"certs reissue":          `expected "<name>"`,
		"ocsp":                   `expected one of "refresh"`,
		"ocsp refresh":           "give either a NAME or --all",
		"ocsp refresh a --all":   "give either a NAME or --all",
		"ocsp fetch":             "missing flags: --cert=FILE",
		"ocsp verify":            "missing flags: --cert=FILE, --issuer=FILE, --response=FILE",
		"ocsp check":             `expected "<target>"`,
		"ocsp check no/such":     "no/such is neither a file nor host:port",
		"ocsp check host:":       "host: is neither a file nor host:port",
		"ocsp check :443":        ":443 is neither a file nor host:port",
		"status --admin host:0":  "the port is a number",
		"status --admin host:80": "give --token or $DWAAR_ADMIN_TOKEN",
		"stop --admin unix/x":    "the path of a socket is absolute",
		"stop --admin unix:/x/y": `"unix:/x/y": a socket is written unix//x/y`,
		"ocsp check host:99999":  "host:99999: the port is a number from 1 to 65535",
		"ocsp check host:0":      "host:0: the port is a number from 1 to 65535",
		"run --config=":          "--config: the name of a file is missing (see dwaar run --help)",
		"validate --config=":     "--config: the name of a file is missing",
		"adapt --config=":        "--config: the name of a file is missing",
		"reload --config=":       "--config: the name of a file is missing",
		"ocsp fetch --cert=":     "--cert: the name of a file is missing",
		"relay":                  "issuer: name the certificate of a CA",
		"relay --issuer=":        "the name of a file is missing",
		"relay --issuer a.pem":   "issuer a.pem: nothing says where its responder is",
		"relay --issuer a=b.pem": `issuer a: responder: "b.pem" is not the http or https URL`,
		"relay --issuer a=http://b --listen 8888":                                     `--listen: "8888" is not like :9000`,
		"relay --issuer a=http://b --metrics x":                                       `--metrics: "x" is not like`,
		"relay --issuer a=http://b --allow 10.0.0.1/8":                                "write 10.0.0.0/8 for the network",
		"relay --issuer a=http://b --timeout 10m":                                     "timeout: 10m0s is not between",
		"relay --certificates * --redis http://a":                                     "--redis: url:",
		"relay --certificates * --redis-key-prefix a":                                 "--redis is missing",
		"relay --certificates * --encryption-key env:K":                               "--redis is missing",
		"relay --certificates * --redis redis://a --redis-ca b":                       "--redis: tls",
		"relay --certificates [":                                                      "is no pattern of file names",
		"relay --certificates * --passing 99999":                                      "passing: 99999 is not between 1 and 10000",
		"responder":                                                                   "missing flags: --database=DB, --issuer=FILE, --key=FILE, --signer=FILE",
		"responder --issuer= --signer b --key c --database sqlite:c":                  "the name of a file is missing",
		"responder --issuer a --signer b --database sqlite:c":                         "missing flags: --key=FILE",
		"responder --issuer a --signer b --key c --key d --database sqlite:c":         "--signer: there are 1, and 2 of --key",
		"responder --issuer a --signer b --key c --database oracle:c":                 "database: a database is written",
		"responder --issuer a --signer b --key c --database sqlite:c --listen 9000":   `--listen: "9000" is not like :9000`,
		"responder --issuer a --signer b --key c --database sqlite:c --validity 1s":   "validity: 1s is not between",
		"responder --issuer a --signer b --key c --database sqlite:c --nonce no":      `nonce: "no" is not one of`,
		"responder --issuer a --signer b --key c --database sqlite:c --cert-ids 65":   "cert_ids: 65 is not between 1 and 64",
		"responder --issuer a --signer b --key c --database sqlite:c --schema ejbca":  `schema: "ejbca" is unknown`,
		"responder --issuer a --signer b --key c --database sqlite:c --unissued good": `unissued: "good" is not one of`,
		"stop --admin /" + strings.Repeat("x", 100):                                   "shorter one with the option admin",
		"ocsp verify --cert a --issuer b --response c --at now":                       "--at: parsing time",
		"ocsp verify --cert a --issuer b --response c --max-age soon":                 "--max-age: ",
		"ocsp verify --cert a --issuer b --response c --max-age 0s":                   "no response is that fresh",
		"ocsp verify --cert a --issuer b --response c --max-age -1h":                  "--max-age",
		"ocsp fetch --cert /dev/null --allow 10.0.0.0/33":                             "no certificate found",
	}
	for args, want := range cases {
		r := dwaar(t, strings.Fields(args)...)
		code := 2
		if strings.HasPrefix(want, "no certificate") {
			code = 1
		}
		if r.code != code || !strings.HasPrefix(r.errors, "dwaar: ") || !strings.Contains(r.errors, want) || r.out != "" {
			t.Errorf("dwaar %s: %d\n%s%s\nwant %d and %q", args, r.code, r.out, r.errors, code, want)
		}
		if strings.Count(r.errors, "\n") != 1 {
			t.Errorf("dwaar %s: not one line:\n%s", args, r.errors)
		}
	}
}

func TestEveryCommandHasHelp(t *testing.T) {
	for _, command := range []string{
		"", "run", "validate", "fmt", "adapt", "reload", "stop", "status", "certs", "certs list", "certs show", "certs renew", "certs reissue",
		"ocsp", "ocsp refresh", "ocsp fetch", "ocsp verify", "ocsp check", "ca", "ca add", "ca revoke", "ca unrevoke", "ca list", "ca import", "ca export", "ca crl", "responder", "relay", "trust", "untrust", "doctor", "demo", "version",
	} {
		r := dwaar(t, append(strings.Fields(command), "--help")...)
		usage := strings.TrimSpace("Usage: dwaar " + command)
		if r.code != 0 || !strings.HasPrefix(r.out, usage) || r.errors != "" {
			t.Errorf("dwaar %s --help: %d\n%s%s", command, r.code, r.out, r.errors)
		}
	}
}

func TestVersionTellsGoAndRevision(t *testing.T) {
	dwaar(t, "version").expect(t, 0, "dwaar ", "\ngo go1.", "\nrevision ")
	dwaar(t, "--version").expect(t, 0, "dwaar ", "\ngo go1.", "\nrevision ")
}

func TestWithoutARunningDwaarCommandsFail(t *testing.T) {
	t.Setenv("DWAAR_DATA", t.TempDir())
	for _, args := range []string{"status", "reload", "stop", "certs list", "certs show a", "certs renew a", "certs reissue a", "ocsp refresh --all", "status --watch"} {
		r := dwaar(t, strings.Fields(args)...)
		r.expect(t, 1, "dwaar: nobody listens on unix/", "is dwaar running? Start it with `dwaar run`")
	}
}

func TestDataDirectoryFollowsTheEnvironment(t *testing.T) {
	t.Setenv("HOME", "/home/h")
	cases := []struct{ flag, data, xdg, want string }{
		{"/flag", "/data", "/xdg", "/flag"},
		{"", "/data", "/xdg", "/data"},
		{"", "", "/xdg", "/xdg/dwaar"},
		{"", "", "relative", "/home/h/.local/share/dwaar"},
		{"", "", "", "/home/h/.local/share/dwaar"},
	}
	for _, c := range cases {
		t.Setenv("DWAAR_DATA", c.data)
		t.Setenv("XDG_DATA_HOME", c.xdg)
		args := []string{"stop"}
		if c.flag != "" {
			args = append(args, "--data", c.flag)
		}
		dwaar(t, args...).expect(t, 1, "nobody listens on unix/"+c.want+"/admin.sock:")
	}
	t.Setenv("HOME", "")
	t.Setenv("XDG_DATA_HOME", "")
	dwaar(t, "stop").expect(t, 1, "give --data DIR or $DWAAR_DATA")
}
