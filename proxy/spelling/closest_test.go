package spelling_test

import (
	"testing"

	"dwaar/proxy/spelling"
)

func TestTheClosestWordIsTheOneThatWasMeant(t *testing.T) {
	words := []string{"respond", "redir", "reverse_proxy", "request_header", "request_body", "tls"}
	for word, want := range map[string]string{
		"respnd": "respond", "repsond": "respond", "Respond": "respond", "reverse": "reverse_proxy", "request": "",
		"tsl": "tls", "quite_something_else": "", "": "",
	} {
		if got := spelling.Closest(word, words); got != want {
			t.Errorf("Closest(%q) = %q, want %q", word, got, want)
		}
	}
}

func TestDistanceCountsEdits(t *testing.T) {
	for _, c := range []struct {
		a, b string
		want int
	}{{"", "", 0}, {"a", "", 1}, {"", "ab", 2}, {"tls", "tls", 0}, {"oscp", "ocsp", 1}, {"respnd", "respond", 1}, {"kitten", "sitting", 3}} {
		if got := spelling.Distance(c.a, c.b); got != c.want {
			t.Errorf("distance of %q and %q = %d, want %d", c.a, c.b, got, c.want)
		}
	}
}
