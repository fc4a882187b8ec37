package config_test

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"dwaar/proxy/dwaarfile"
)

// place is what formatting may change in a message.
var place = regexp.MustCompile(`:\d+:\d+`)

// TestFormattedArchivesMeanTheSame formats every file of every archive that is
// part of the configuration: a good one adapts to the same JSON, a bad one has
// the same errors. Texts that cannot be cut into words are refused.
func TestFormattedArchivesMeanTheSame(t *testing.T) {
	archives, err := filepath.Glob("testdata/*.txtar")
	if err != nil || len(archives) == 0 {
		t.Fatalf("no archives: %v", err)
	}
	for _, path := range archives {
		t.Run(filepath.Base(path), func(t *testing.T) {
			_, sections := readArchive(t, path)
			good := strings.HasSuffix(path, ".good.txtar")
			formatted, refused := formatArchive(t, sections)
			if good && refused {
				t.Fatal("a good file is refused")
			}
			if refused {
				return
			}
			adapted, _, problems := read(t, formatted)
			if want := find(sections, "adapt.json"); good && adapted != want {
				t.Errorf("formatted, it means\n%s\nwant\n%s", adapted, want)
			}
			if got, want := place.ReplaceAllString(problems, ""), place.ReplaceAllString(find(sections, "errors"), ""); got != want {
				t.Errorf("formatted, its errors are\n%s\nwant\n%s", got, want)
			}
		})
	}
}

// formatArchive formats the Dwaarfile of an archive and what it may import.
func formatArchive(t *testing.T, sections []section) (formatted []section, refused bool) {
	for _, s := range sections {
		switch s.name {
		case "env", "adapt.json", "warnings", "errors":
		default:
			text, err := dwaarfile.Format(s.name, s.text)
			if err != nil {
				refused = true
				break
			}
			if again, err := dwaarfile.Format(s.name, text); err != nil || again != text {
				t.Errorf("%s is not formatted: it becomes\n%s\n(%v)", text, again, err)
			}
			s.text = text
		}
		formatted = append(formatted, s)
	}
	return formatted, refused
}

// What readers copy is formatted.
func TestExamplesAreFormatted(t *testing.T) {
	example, err := os.ReadFile("../../Dwaarfile.example")
	if err != nil {
		t.Fatal(err)
	}
	checkLayout(t, "Dwaarfile.example", string(example))
	pages, err := filepath.Glob("../../docs/*.md")
	if err != nil || len(pages) == 0 {
		t.Fatalf("no pages: %v", err)
	}
	for _, page := range pages {
		text, err := os.ReadFile(page)
		if err != nil {
			t.Fatal(err)
		}
		for _, block := range strings.Split(string(text), "```dwaarfile\n")[1:] {
			snippet, _, _ := strings.Cut(block, "```")
			checkLayout(t, page, snippet)
		}
	}
}

func checkLayout(t *testing.T, name, text string) {
	t.Helper()
	if got, err := dwaarfile.Format(name, text); err != nil || got != text {
		t.Errorf("%s: formatted (%v) it is\n%s\nand stands there as\n%s", name, err, got, text)
	}
}
