package coding_test

import (
	"net/http"
	"slices"
	"strings"
	"testing"

	"dwaar/proxy/coding"
)

var offered = []string{"zstd", "br", "gzip"}

func TestTheBestCodingIsChosen(t *testing.T) {
	for accept, want := range map[string]string{
		"":                                   "",
		"gzip":                               "gzip",
		"GZIP":                               "gzip",
		"x-gzip":                             "gzip",
		"gzip, deflate, br, zstd":            "zstd",
		"gzip, deflate, br":                  "br",
		"deflate":                            "",
		"identity":                           "",
		"*":                                  "zstd",
		"*;q=0":                              "",
		"gzip, *;q=0":                        "gzip",
		"zstd;q=0, *":                        "br",
		"*;q=0.5, gzip":                      "gzip",
		"gzip;q=0":                           "",
		"gzip;q=0.000":                       "",
		"gzip;q=0.001":                       "gzip",
		"gzip;q=1.0, br;q=0.9":               "gzip",
		"gzip;q=0.5, br;q=0.5":               "br",
		"gzip ; Q=0.8 ,br;q=0.1":             "gzip",
		"gzip;q=0.8,\tbr;q=0.81":             "br",
		"identity, gzip;q=0.5":               "",
		"identity;q=0.5, gzip;q=0.5":         "gzip",
		"identity;q=0, gzip":                 "gzip",
		"gzip;q=2":                           "",
		"gzip;q=-1":                          "",
		"gzip;q=":                            "",
		"gzip;q=1.001":                       "",
		"gzip;q=x":                           "",
		"gzip;level=9":                       "",
		"gzip;q=0.1234":                      "gzip",
		"gzip;q=nonsense, gzip;q=0.3, *;q=0": "gzip",
		"gzipped, bro":                       "",
		", ,gzip,":                           "gzip",
		"br;q=0.3|gzip;q=0.4":                "gzip",
	} {
		header := http.Header{"Accept-Encoding": strings.Split(accept, "|")}
		if got := coding.Choose(header, offered); got != want {
			t.Errorf("%q chooses %q, want %q", accept, got, want)
		}
	}
	if got := coding.Choose(http.Header{}, offered); got != "" {
		t.Errorf("without the field it chooses %q", got)
	}
}

func TestVaryIsSaidOnce(t *testing.T) {
	for before, want := range map[string]string{
		"":                        "Accept-Encoding",
		"Origin":                  "Origin|Accept-Encoding",
		"Origin, accept-encoding": "Origin, accept-encoding",
		"*":                       "*",
	} {
		header := http.Header{}
		if before != "" {
			header.Set("Vary", before)
		}
		coding.Vary(header)
		if got := strings.Join(header["Vary"], "|"); got != want {
			t.Errorf("Vary: %q becomes %q, want %q", before, got, want)
		}
	}
}

func TestChoosingAllocatesNothing(t *testing.T) {
	header := http.Header{"Accept-Encoding": {"gzip, deflate, br, zstd;q=0.9"}}
	if n := testing.AllocsPerRun(100, func() { coding.Choose(header, offered) }); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

// Whatever is chosen was offered, and its name or a * stands in the field.
func FuzzChoose(f *testing.F) {
	f.Add("gzip;q=0.5, *;q=0")
	f.Add("br;q=1.000,identity;q=0")
	f.Fuzz(func(t *testing.T, accept string) {
		got := coding.Choose(http.Header{"Accept-Encoding": {accept}}, offered)
		if got == "" {
			return
		}
		if !slices.Contains(offered, got) || !strings.Contains(strings.ToLower(accept), got) && !strings.Contains(accept, "*") {
			t.Errorf("%q chooses %q", accept, got)
		}
	})
}
