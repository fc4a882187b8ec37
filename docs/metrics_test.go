package docs_test

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// Every metric that the source names whole stands on a page.
func TestMetricsAreExplained(t *testing.T) {
	pages, err := filepath.Glob("*.md")
	if err != nil {
		t.Fatal(err)
	}
	var docs strings.Builder
	for _, page := range pages {
		text, err := os.ReadFile(page)
		if err != nil {
			t.Fatal(err)
		}
		docs.Write(text)
	}
	names := metrics(t)
	if len(names) < 30 {
		t.Fatalf("the source names %d metrics: the test does not see them", len(names))
	}
	for _, name := range names {
		if !regexp.MustCompile("`" + name + "[`{]").MatchString(docs.String()) {
			t.Errorf("no page explains %s", name)
		}
	}
}

// metrics are the names in the source, but for those put together of two.
func metrics(t *testing.T) (names []string) {
	t.Helper()
	quoted := regexp.MustCompile(`"(dwaar_(?:tls|ocsp|crl|acme|http|access|storage)_[a-z_]*[a-z])"`)
	err := filepath.WalkDir("..", func(path string, d fs.DirEntry, err error) error {
		if err != nil || filepath.Base(path) != "metrics.go" {
			return err
		}
		text, err := os.ReadFile(path)
		for _, found := range quoted.FindAllStringSubmatch(string(text), -1) {
			names = append(names, found[1])
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return names
}
