package placeholder_test

import (
	"testing"

	"dwaar/proxy/placeholder"
)

func TestValuesMayBeChangedOnTheirWayIn(t *testing.T) {
	text, err := placeholder.Compile("{path}?{query.y}=\\{x}")
	if err != nil {
		t.Fatal(err)
	}
	got := text.ExpandWith(asked(), func(name, value string) string { return "<" + name + " " + value + ">" })
	if want := "<http.request.uri.path /a b/c>?<http.request.uri.query.y />={x}"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
}
