package config_test

import (
	"os"
	"slices"
	"strings"
	"testing"

	"dwaar/proxy/config"
)

const fromCaddy = "../../docs/migrating-from-caddy.md"

// refusals reads the tables of the page by their headings: the words in the
// first cells.
func refusals(t *testing.T) map[string][]string {
	t.Helper()
	text, err := os.ReadFile(fromCaddy)
	if err != nil {
		t.Fatal(err)
	}
	_, lists, _ := strings.Cut(string(text), "\n## Not supported\n")
	words, section := map[string][]string{}, ""
	for line := range strings.Lines(lists) {
		if heading, found := strings.CutPrefix(line, "### "); found {
			section = strings.TrimSpace(heading)
			words[section] = nil
		}
		if cells := strings.Split(line, "|"); strings.HasPrefix(line, "| `") {
			words[section] = append(words[section], names(cells[1])...)
		}
	}
	return words
}

// What the page says is not supported is refused, and what is refused
// stands there with a reason.
func TestTheMigrationPageNamesWhatIsRefused(t *testing.T) {
	listed := refusals(t)
	refused := map[string][]string{}
	for _, e := range config.Language() {
		words := listed[e.Section]
		if !e.Refused || e.Section == "ocsp in tls" { // which is dwaar's own
			continue
		}
		refused[e.Section] = append(refused[e.Section], e.Name)
		if !slices.Contains(words, e.Name) {
			t.Errorf("%s, %s: %s is refused and does not stand there", fromCaddy, e.Section, e.Name)
		}
	}
	for section, words := range listed {
		if len(words) == 0 {
			t.Errorf("%s: nothing is refused in %q", fromCaddy, section)
		}
		for _, word := range words {
			if !slices.Contains(refused[section], word) {
				t.Errorf("%s, %s: %s stands there and is not refused", fromCaddy, section, word)
			}
		}
	}
}
