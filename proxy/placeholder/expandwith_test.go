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

func TestSeparatorsInsidePlaceholdersSeparateNothing(t *testing.T) {
	for text, want := range map[string]int{
		"": -1, "{?query}": -1, "/a{?query}?b": 10, "?{path}": 0, "{ ?": 2, "{}?": 2, `\{path}?`: 7, "/a": -1, "{path}{host}&": 12,
	} {
		if got := placeholder.IndexAny(text, "?=&"); got != want {
			t.Errorf("%s: %d, want %d", text, got, want)
		}
	}
}
