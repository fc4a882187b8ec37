package config_test

import (
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"time"

	"dwaar/netguard"
	"dwaar/proxy/config"
	"dwaar/proxy/dwaarfile"
	"dwaar/tlsstore"
)

func TestTenThousandSitesAreReadInSeconds(t *testing.T) {
	var b strings.Builder
	for i := range 10_000 {
		fmt.Fprintf(&b, "site%d.example {\n\ttls c%d.pem c%d.key\n\treverse_proxy 127.0.0.1:8080\n}\n", i, i, i)
	}
	start := time.Now()
	c := mustRead(t, b.String())
	if n := len(c.Certificates); n != 10_000 {
		t.Errorf("%d certificates", n)
	}
	if took := time.Since(start); took > time.Minute {
		t.Errorf("took %v", took)
	}
}

func TestTenThousandAutomaticSitesAreReadInSeconds(t *testing.T) {
	var b strings.Builder
	for i := range 10_000 {
		fmt.Fprintf(&b, "site%d.example {\n\treverse_proxy 127.0.0.1:8080\n}\n", i)
	}
	start := time.Now()
	c := mustRead(t, b.String())
	if len(c.Automatic) != 10_000 || len(c.ACME.Policies) != 1 || len(c.ACME.Policies[0].Names) != 10_000 {
		t.Errorf("%d names in %d policies", len(c.Automatic), len(c.ACME.Policies))
	}
	if took := time.Since(start); took > time.Minute {
		t.Errorf("took %v", took)
	}
}

func TestManyRoutesOfOneSiteAreReadInSeconds(t *testing.T) {
	var b strings.Builder
	for i := range 30_000 {
		fmt.Fprintf(&b, "\trespond /path%d yes\n", i)
	}
	start := time.Now()
	mustRead(t, "http://a.example {\n"+b.String()+"}\n")
	if took := time.Since(start); took > time.Minute {
		t.Errorf("took %v", took)
	}
}

func mustRead(t *testing.T, text string) *config.Config {
	t.Helper()
	c, err := config.Read(home+"Dwaarfile", source([]section{{"Dwaarfile", text}}))
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// checkAccepted fails unless the packages that a configuration is for accept
// it too: they have no place to name.
func checkAccepted(t *testing.T, c *config.Config) {
	t.Helper()
	if _, err := config.Adapt(c); err != nil {
		t.Errorf("adapt: %v", err)
	}
	if err := c.HTTP.Check(); err != nil {
		t.Errorf("proxy: %v", err)
	}
	if _, err := netguard.New(c.Guard); err != nil {
		t.Errorf("netguard: %v", err)
	}
	if err := c.Admin.Check(); c.Admin.Listen != "" && err != nil {
		t.Errorf("admin: %v", err)
	}
	if err := c.ACME.Check(); err != nil {
		t.Errorf("acme: %v", err)
	}
	for _, p := range c.ACME.Policies {
		if err := p.Check(); err != nil {
			t.Errorf("issuing: %v", err)
		}
	}
	if _, err := tlsstore.New(c.TLS, slog.New(slog.DiscardHandler)); err != nil {
		t.Errorf("tlsstore: %v", err)
	}
}

// FuzzRead holds that any text is understood or refused with places, and that
// what is understood can be shown.
func FuzzRead(f *testing.F) {
	for _, e := range config.Language() {
		f.Add("http://a.example {\n\t" + e.Name + " " + e.Usage + "\n}\n")
		f.Add("{\n\t" + e.Name + " " + e.Usage + "\n}\na.example {\n\ttls a b\n}\n")
		f.Add("http://a.example {\n\t@m " + e.Name + " " + e.Usage + "\n\trespond @m {re.m.1}\n\thandle_errors 404 {\n\t\t" + e.Name + " @m\n\t}\n}\n")
		f.Add("{\n\tocsp {\n\t\t" + e.Name + " 1s\n\t}\n}\n")
		f.Add("a.example {\n\ttls {\n\t\t" + e.Name + " " + e.Usage + "\n\t}\n}\n")
	}
	f.Fuzz(func(t *testing.T, text string) {
		if len(text) > 1<<14 {
			return
		}
		c, err := config.Read(home+"Dwaarfile", source([]section{{"Dwaarfile", text}}))
		if err == nil {
			checkAccepted(t, c)
			return
		}
		for _, p := range err.(dwaarfile.Problems) {
			if p.Message == "" || p.Pos.File == "" && !strings.HasPrefix(p.Message, "too many") {
				t.Errorf("a problem without a place: %+v", p)
			}
		}
	})
}

// What doubles with every level must not fill the memory of a dwaar that serves.
func TestRoutesThatMultiplyAreAProblem(t *testing.T) {
	text := "respond hi\n"
	for range 12 {
		text = "route /c/* {\nroot /a/* /x\nrewrite /a/* /y\nroute /c/* {\n" + text + "}\nroot /b/* /x\nrewrite /b/* /y\n}\n"
	}
	_, _, problems := read(t, []section{{"Dwaarfile", "http://a.test {\n" + text + "}\n"}})
	if !strings.HasPrefix(problems, "Dwaarfile:1:1: the site is too large: ") || strings.Count(problems, "\n") != 1 {
		t.Error(problems)
	}
}
