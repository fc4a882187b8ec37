// Package dwaar_test guards the shape of the house: which room may know which other.
package dwaar_test

import (
	"fmt"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"sort"
	"strconv"
	"strings"
	"testing"
)

// floors is the table of allowed arrows: every package of the module with the packages
// of the module it may import. Arrows point down; a new one is a decision, made here.
// The TLS wing (tlsstore, acme/…), the OCSP wing (ocspsvc/…) and the HTTP wing (proxy/… without
// config) share nothing but the ground.
var floors = map[string][]string{
	// The ground.
	"netguard":         {},
	"ocspsvc":          {},
	"proxy/dwaarfile":  {},
	"secret":           {},
	"tlsstore/storage": {},

	// Storages over storages.
	"tlsstore/storage/mirror": {"tlsstore/storage"},
	"tlsstore/storage/sealed": {"tlsstore/storage"},

	// The OCSP wing.
	"ocspsvc/fault":     {"netguard", "ocspsvc"},
	"ocspsvc/client":    {"netguard", "ocspsvc", "ocspsvc/fault"},
	"ocspsvc/crl":       {"netguard", "ocspsvc", "ocspsvc/fault"},
	"ocspsvc/responder": {"ocspsvc", "ocspsvc/pemfile"},
	"ocspsvc/pemfile":   {},
	"ocspsvc/relay":     {"ocspsvc", "ocspsvc/pemfile", "ocspsvc/responder"},
	"ocspsvc/respstore": {},
	"ocspsvc/certdb":    {"ocspsvc", "ocspsvc/crl", "ocspsvc/responder"},
	"ocspsvc/stapler":   {"ocspsvc", "ocspsvc/respstore"},

	// The TLS wing.
	"tlsstore":               {},
	"tlsstore/storage/redis": {"secret", "tlsstore/storage"},
	"acme/dns":               {},
	"acme/localca":           {"tlsstore/storage"},
	"acme/issuing":           {"acme/dns", "tlsstore/storage"},
	"acme":                   {"acme/issuing", "ocspsvc", "tlsstore/storage"},

	// The HTTP wing.
	"proxy/accesslog":   {"proxy/logfile"},
	"proxy/logfile":     {},
	"proxy/admin":       {"ocspsvc"},
	"proxy/coding":      {},
	"proxy/encode":      {"proxy/coding"},
	"proxy/ipset":       {},
	"proxy/files":       {"proxy/coding", "proxy/placeholder", "proxy/request"},
	"proxy/kept":        {},
	"proxy/password":    {},
	"proxy/ratelimit":   {},
	"proxy/spelling":    {},
	"proxy/placeholder": {"proxy/request", "proxy/spelling"},
	"proxy/match":       {"proxy/files", "proxy/placeholder", "proxy/request"},
	"proxy/request":     {},
	"proxy/tlspolicy":   {},
	"proxy/upstream":    {"proxy/match", "proxy/placeholder", "proxy/request", "proxy/upstream/http1"},
	"proxy/handler":     {"proxy/encode", "proxy/files", "proxy/ipset", "proxy/kept", "proxy/match", "proxy/password", "proxy/placeholder", "proxy/ratelimit", "proxy/request", "proxy/upstream"},
	"proxy":             {"proxy/accesslog", "proxy/handler", "proxy/kept", "proxy/match", "proxy/request", "proxy/tlspolicy", "proxy/upstream"},

	// HTTP/1.1 to upstreams, which is below the forwarding that uses it.
	"proxy/upstream/http1": {},

	// The language: it fills everybody's Config.
	"proxy/config": {
		"acme", "acme/dns", "acme/issuing", "acme/localca", "netguard", "ocspsvc", "ocspsvc/certdb", "ocspsvc/client", "ocspsvc/relay", "ocspsvc/responder", "ocspsvc/stapler",
		"proxy", "proxy/accesslog", "proxy/admin", "proxy/dwaarfile", "proxy/encode", "proxy/files", "proxy/handler", "proxy/logfile", "proxy/match",
		"proxy/password", "proxy/placeholder", "proxy/ratelimit", "proxy/spelling", "proxy/tlspolicy", "proxy/upstream", "secret", "tlsstore",
		"tlsstore/storage/redis", "tlsstore/storage/sealed",
	},

	// The program.
	"cmd/dwaar/internal/alone":      {"cmd/dwaar/internal/running", "ocspsvc"},
	"cmd/dwaar/internal/cluster":    {"secret", "tlsstore/storage", "tlsstore/storage/mirror", "tlsstore/storage/redis", "tlsstore/storage/sealed"},
	"cmd/dwaar/internal/demo":       {"cmd/dwaar/internal/alone", "cmd/dwaar/internal/responders", "ocspsvc", "ocspsvc/certdb", "ocspsvc/responder", "proxy/admin"},
	"cmd/dwaar/internal/doctor":     {"acme/issuing", "acme/localca", "cmd/dwaar/internal/cluster", "cmd/dwaar/internal/server", "netguard", "ocspsvc", "ocspsvc/crl", "proxy", "proxy/admin", "proxy/dwaarfile", "tlsstore/storage"},
	"cmd/dwaar/internal/relays":     {"cmd/dwaar/internal/alone", "cmd/dwaar/internal/running", "netguard", "ocspsvc", "ocspsvc/client", "ocspsvc/pemfile", "ocspsvc/relay", "ocspsvc/responder"},
	"cmd/dwaar/internal/responders": {"cmd/dwaar/internal/alone", "cmd/dwaar/internal/running", "ocspsvc", "ocspsvc/certdb", "ocspsvc/responder"},
	"cmd/dwaar/internal/running":    {},
	"cmd/dwaar/internal/server": {
		"acme", "acme/issuing", "acme/localca", "cmd/dwaar/internal/cluster", "cmd/dwaar/internal/relays", "cmd/dwaar/internal/responders", "cmd/dwaar/internal/running", "netguard", "ocspsvc", "ocspsvc/client", "ocspsvc/crl",
		"ocspsvc/respstore", "ocspsvc/stapler", "proxy", "proxy/admin", "proxy/config", "proxy/dwaarfile", "proxy/logfile",
		"tlsstore", "tlsstore/storage",
	},
	"cmd/dwaar": {
		"acme/localca", "cmd/dwaar/internal/alone", "cmd/dwaar/internal/cluster", "cmd/dwaar/internal/demo", "cmd/dwaar/internal/doctor", "cmd/dwaar/internal/relays", "cmd/dwaar/internal/responders", "cmd/dwaar/internal/server", "netguard", "ocspsvc", "ocspsvc/certdb", "ocspsvc/client",
		"ocspsvc/relay", "ocspsvc/responder", "proxy/admin", "proxy/config", "proxy/dwaarfile", "proxy/password", "secret", "tlsstore/storage", "tlsstore/storage/redis",
	},
}

// forTests are packages that only tests may import, with what they may import themselves.
var forTests = map[string][]string{
	"ocspsvc/certdb/certdbtest":    {"ocspsvc", "ocspsvc/certdb", "ocspsvc/ocsptest", "ocspsvc/responder"},
	"ocspsvc/ocsptest":             {"ocspsvc"},
	"tlsstore/storage/storagetest": {"tlsstore/storage"},
}

// wings never import each other, in tests neither.
var wings = map[string]func(pkg string) bool{
	"TLS":  func(p string) bool { return p == "tlsstore" || p == "acme" || strings.HasPrefix(p, "acme/") },
	"OCSP": func(p string) bool { return strings.HasPrefix(p, "ocspsvc/") },
	"HTTP": func(p string) bool {
		return p == "proxy" || strings.HasPrefix(p, "proxy/") && p != "proxy/config" && p != "proxy/dwaarfile"
	},
}

// rooms says where each third party lives, "/..." taking in the rooms below. One that is not
// listed is not allowed.
var rooms = map[string][]string{
	"github.com/alecthomas/kong":          {"cmd/dwaar"},
	"github.com/andybalholm/brotli":       {"proxy/encode"},
	"github.com/klauspost/compress":       {"proxy/encode"},
	"github.com/caddyserver/certmagic":    {"acme/issuing"},
	"github.com/mholt/acmez/v3":           {"acme/issuing"},
	"go.uber.org/zap":                     {"acme/issuing"},
	"github.com/hashicorp/golang-lru/v2":  {"acme", "ocspsvc/client", "ocspsvc/relay", "ocspsvc/responder", "ocspsvc/stapler", "proxy/password", "proxy/ratelimit", "proxy/upstream", "tlsstore"},
	"database/sql":                        {"ocspsvc/certdb"},
	"github.com/go-sql-driver/mysql":      {"ocspsvc/certdb"},
	"github.com/jackc/pgx/v5":             {"ocspsvc/certdb"},
	"modernc.org/sqlite":                  {"ocspsvc/certdb"},
	"github.com/libdns/libdns":            {"acme/dns"},
	"github.com/miekg/dns":                {"acme/dns"},
	"github.com/prometheus/client_golang": {"acme", "ocspsvc/crl", "ocspsvc/relay", "ocspsvc/responder", "ocspsvc/stapler", "proxy", "proxy/upstream", "tlsstore", "tlsstore/storage/mirror", "cmd/dwaar/internal/alone", "cmd/dwaar/internal/cluster", "cmd/dwaar/internal/relays", "cmd/dwaar/internal/responders", "cmd/dwaar/internal/running", "cmd/dwaar/internal/server"},
	"github.com/quic-go/qpack":            {"proxy"},
	"github.com/quic-go/quic-go":          {"proxy"},
	"github.com/redis/go-redis/v9":        {"tlsstore/storage/redis"},
	"golang.org/x/crypto":                 {"ocspsvc/...", "proxy/password", "tlsstore/storage/sealed"},
	"golang.org/x/net":                    {"proxy/...", "tlsstore"},
	"golang.org/x/sync":                   {"acme", "ocspsvc/responder", "ocspsvc/stapler", "tlsstore", "tlsstore/storage/mirror", "proxy/...", "cmd/dwaar/internal/alone", "cmd/dwaar/internal/server"},
	"golang.org/x/sys/unix":               {"cmd/dwaar", "tlsstore/..."},
	"golang.org/x/term":                   {"cmd/dwaar"},
	"golang.org/x/time":                   {"ocspsvc/responder", "proxy"},
}

func TestImportsPointDown(t *testing.T) {
	for _, file := range sources(t) {
		for _, imported := range file.imports {
			if err := file.judge(imported); err != nil {
				t.Errorf("%s imports %s: %v", file.path, imported, err)
			}
		}
	}
}

// A table that allows more than is used has stopped describing the house.
func TestEveryAllowedArrowIsUsed(t *testing.T) {
	used := map[string]bool{}
	for _, file := range sources(t) {
		used[file.pkg] = true
		for _, imported := range file.imports {
			if !file.test {
				used[file.pkg+" → "+strings.TrimPrefix(imported, "dwaar/")] = true
			}
		}
	}
	for _, table := range []map[string][]string{floors, forTests} {
		for _, pkg := range sorted(table) {
			if !used[pkg] {
				t.Errorf("package %s is in the table but not in the house", pkg)
			}
			for _, to := range table[pkg] {
				if !used[pkg+" → "+to] {
					t.Errorf("arrow %s → %s is allowed but not used", pkg, to)
				}
			}
		}
	}
}

// source is one Go file of the module.
type source struct {
	path, pkg string
	test      bool
	imports   []string
}

// judge says why this file may not import a path, or nil.
func (s source) judge(imported string) error {
	if to, ours := strings.CutPrefix(imported, "dwaar/"); ours {
		return s.judgeOurs(to)
	}
	if first, _, _ := strings.Cut(imported, "/"); !strings.Contains(first, ".") && rooms[imported] == nil {
		return nil // the standard library
	}
	return s.judgeTheirs(imported)
}

func (s source) judgeOurs(to string) error {
	if s.test {
		return s.judgeWings(to)
	}
	allowed, known := floors[s.pkg]
	if !known {
		if allowed, known = forTests[s.pkg]; !known {
			return fmt.Errorf("package %s has no floor yet", s.pkg)
		}
	}
	if !slices.Contains(allowed, to) {
		return fmt.Errorf("the arrow %s → %s is not in the table of floors", s.pkg, to)
	}
	return nil
}

// judgeWings is the looser rule for tests: they may use what they like of their own wing
// and of the ground, never another wing.
func (s source) judgeWings(to string) error {
	for mine, in := range wings {
		if !in(s.pkg) {
			continue
		}
		for theirs, there := range wings {
			if mine != theirs && there(to) {
				return fmt.Errorf("a test of the %s wing uses the %s wing", mine, theirs)
			}
		}
	}
	return nil
}

func (s source) judgeTheirs(imported string) error {
	for third, where := range rooms {
		if imported != third && !strings.HasPrefix(imported, third+"/") {
			continue
		}
		if s.test || slices.ContainsFunc(where, s.isIn) {
			return nil
		}
		return fmt.Errorf("%s stays in %v", third, where)
	}
	return fmt.Errorf("this third party has no room yet")
}

// isIn says whether the file lies in a room, or below one that ends in "/...".
func (s source) isIn(room string) bool {
	top, below := strings.CutSuffix(room, "/...")
	return s.pkg == top || below && strings.HasPrefix(s.pkg, top+"/")
}

// sources reads every Go file of the module, also those another build would take.
func sources(t *testing.T) []source {
	t.Helper()
	var files []source
	err := filepath.WalkDir(".", func(name string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() && elsewhere(name) {
			return filepath.SkipDir
		}
		if d.IsDir() || !strings.HasSuffix(name, ".go") {
			return nil
		}
		file, err := read(name)
		files = append(files, file)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return files
}

// elsewhere is for directories that are no rooms of this module: hidden ones, test data,
// and modules of their own.
func elsewhere(dir string) bool {
	base := filepath.Base(dir)
	if dir == "." {
		return false
	}
	if strings.HasPrefix(base, ".") || strings.HasPrefix(base, "_") || base == "testdata" {
		return true
	}
	_, err := os.Stat(filepath.Join(dir, "go.mod"))
	return err == nil
}

func read(name string) (source, error) {
	parsed, err := parser.ParseFile(token.NewFileSet(), name, nil, parser.ImportsOnly)
	if err != nil {
		return source{}, err
	}
	s := source{path: name, pkg: path.Dir(filepath.ToSlash(name)), test: strings.HasSuffix(name, "_test.go")}
	for _, spec := range parsed.Imports {
		imported, err := strconv.Unquote(spec.Path.Value)
		if err != nil {
			return source{}, err
		}
		s.imports = append(s.imports, imported)
	}
	return s, nil
}

func sorted(table map[string][]string) []string {
	keys := make([]string, 0, len(table))
	for key := range table {
		keys = append(keys, key)
	}
	sort.Strings(keys)
	return keys
}
