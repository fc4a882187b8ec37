package request_test

import (
	"net/url"
	"slices"
	"testing"

	"dwaar/proxy/request"
)

// FuzzQuery holds that queries are read as net/url reads them.
func FuzzQuery(f *testing.F) {
	for _, seed := range []string{"", "a", "a=1&b=2&a=3", "a=%31&+b+=c+d", "a=%zz&b=1", "a;b=1&c", "&&=&a==b", "%3D=%26"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, raw string) {
		want, err := url.ParseQuery(raw)
		if got := request.IsQuery(raw); got != (err == nil) {
			t.Errorf("IsQuery(%q) = %v, and net/url says %v", raw, got, err)
		}
		got := url.Values{}
		for key, value := range request.Query(raw) {
			got.Add(key, value)
		}
		if len(got) != len(want) {
			t.Fatalf("%q is %v, want %v", raw, got, want)
		}
		for key := range want {
			if !slices.Equal(got[key], want[key]) {
				t.Errorf("%q is %v, want %v", raw, got, want)
			}
		}
	})
}
