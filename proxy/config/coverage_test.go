package config_test

import (
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"dwaar/proxy/config"
)

// TestEveryWordStandsInAGoodArchive holds that what a word means is written
// down, and with it, that it survives formatting.
func TestEveryWordStandsInAGoodArchive(t *testing.T) {
	archives, err := filepath.Glob("testdata/*.good.txtar")
	if err != nil || len(archives) == 0 {
		t.Fatalf("no archives: %v", err)
	}
	var good strings.Builder
	for _, path := range archives {
		_, sections := readArchive(t, path)
		for _, s := range sections {
			if s.name != "adapt.json" && s.name != "warnings" {
				good.WriteString(s.text)
			}
		}
	}
	for _, e := range config.Language() {
		word := regexp.MustCompile(`(?m)^\s*(@\w+ )?(not )?` + e.Name + `\b`)
		if !e.Refused && !word.MatchString(good.String()) {
			t.Errorf("%s: %s stands in no good archive", e.Section, e.Name)
		}
	}
}
