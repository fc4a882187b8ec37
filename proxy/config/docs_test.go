package config_test

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"dwaar/proxy/config"
)

const page = "../../docs/dwaarfile.md"

// documented is what the page says of one block: the words it explains, as
// "name usage" with the text behind, and those it refuses.
type documented struct {
	words map[string]string
	never []string
}

var codeSpan = regexp.MustCompile("`([^`]+)`")

// readPage reads the tables and lists of the page by their headings.
func readPage(t *testing.T) map[string]*documented {
	t.Helper()
	text, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	sections := map[string]*documented{}
	current := &documented{}
	for paragraph := range strings.SplitSeq(string(text), "\n\n") {
		if heading, found := strings.CutPrefix(paragraph, "#"); found {
			name := strings.ReplaceAll(strings.Trim(heading, "# "), "`", "")
			current = &documented{words: map[string]string{}}
			sections[name] = current
		}
		if list, found := strings.CutPrefix(paragraph, "Not supported:"); found {
			current.never = names(list)
		}
		if strings.HasPrefix(paragraph, "| Option |") || strings.HasPrefix(paragraph, "| Directive |") {
			current.addRows(paragraph)
		}
	}
	return sections
}

// names are the words in code spans that are no syntax.
func names(list string) []string {
	var all []string
	for _, m := range codeSpan.FindAllStringSubmatch(list, -1) {
		if !strings.ContainsAny(m[1], "@&") {
			all = append(all, m[1])
		}
	}
	slices.Sort(all)
	return all
}

func (d *documented) addRows(table string) {
	for row := range strings.SplitSeq(table, "\n") {
		cells := strings.Split(strings.Trim(strings.ReplaceAll(row, `\|`, "¦"), "| "), "|")
		if m := codeSpan.FindStringSubmatch(cells[0]); m != nil {
			d.words[strings.ReplaceAll(m[1], "¦", "|")] = strings.TrimSpace(strings.ReplaceAll(cells[len(cells)-1], "¦", "|"))
		}
	}
}

func TestThePageAndTheTablesSayTheSame(t *testing.T) {
	sections := readPage(t)
	known := map[string]map[string]bool{}
	never := map[string][]string{}
	for _, e := range config.Language() {
		if known[e.Section] == nil {
			known[e.Section] = map[string]bool{}
		}
		section := sections[e.Section]
		switch {
		case section == nil:
			t.Fatalf("%s has no section %q", page, e.Section)
		case e.Refused:
			never[e.Section] = append(never[e.Section], e.Name)
			continue
		}
		word := strings.TrimSpace(e.Name + " " + e.Usage)
		known[e.Section][word] = true
		if text, ok := section.words[word]; !ok || !strings.HasPrefix(strings.ToLower(text), strings.ToLower(e.Doc)) {
			t.Errorf("%s, %s: %q is explained as %q, not as %q", page, e.Section, word, text, e.Doc)
		}
	}
	for name, section := range sections {
		for word := range section.words {
			if !known[name][word] {
				t.Errorf("%s, %s explains %q, which is not in the table", page, name, word)
			}
		}
		compareLists(t, name+", not supported", section.never, never[name])
	}
}

func compareLists(t *testing.T, what string, page, table []string) {
	t.Helper()
	slices.Sort(table)
	if !slices.Equal(page, table) {
		t.Errorf("%s:\nthe page has  %q\nthe table has %q", what, page, table)
	}
}

// TestEveryWordHasAnExample holds that no option and no directive is explained
// without one.
func TestEveryWordHasAnExample(t *testing.T) {
	text, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	examples := ""
	for _, s := range snippets(string(text)) {
		examples += s.text
	}
	for _, e := range config.Language() {
		if !e.Refused && !regexp.MustCompile(`(?m)^\s*`+e.Name+`\b`).MatchString(examples) {
			t.Errorf("%s: no example of %s", e.Section, e.Name)
		}
	}
}

type snippet struct {
	line int
	text string
}

// snippets are the fenced blocks of a page that are Dwaarfiles.
func snippets(page string) []snippet {
	var all []snippet
	inside := false
	for i, line := range strings.Split(page, "\n") {
		switch {
		case line == "```dwaarfile":
			all = append(all, snippet{line: i + 2})
			inside = true
		case strings.HasPrefix(line, "```"):
			inside = false
		case inside:
			all[len(all)-1].text += line + "\n"
		}
	}
	return all
}

// secrets is what the examples take from the environment.
const secrets = "EAB_MAC_KEY=c2VjcmV0LW1hYy1rZXk\nTSIG_SECRET=c2VjcmV0LXRzaWcta2V5\n" +
	"REDIS_PASSWORD=s3cret\nSTORAGE_KEY=S6mBqHeWHvQ7ZaWJyO5k6mU3Qe1pZ0y3p2f8o0f1c2E=\nOLD_STORAGE_KEY=00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff\n" +
	"ADMIN_NAME=admin\nADMIN_HASH=$2a$14$Zkx19XLiW6VYouLHR5NmfOFU0z2GTNmpkT/5qqR7hx4IjWJPDhjvG\n"

func TestEverySnippetOfTheDocumentsIsRead(t *testing.T) {
	pages, err := filepath.Glob("../../docs/*.md")
	if err != nil || len(pages) == 0 {
		t.Fatalf("no pages: %v", err)
	}
	if _, err := os.Stat("../../README.md"); err == nil {
		pages = append(pages, "../../README.md")
	}
	for _, page := range pages {
		text, err := os.ReadFile(page)
		if err != nil {
			t.Fatal(err)
		}
		for _, s := range snippets(string(text)) {
			if _, err := config.Read(home+"Dwaarfile", source([]section{{"Dwaarfile", s.text}, {"env", secrets}})); err != nil {
				t.Errorf("%s:%d: the example is refused:\n%v", page, s.line, err)
			}
		}
	}
}

func TestTheExampleIsReadAndNamesEveryWord(t *testing.T) {
	const path = "../../Dwaarfile.example"
	c, err := config.Load(path, noEnv)
	if err != nil {
		t.Fatal(err)
	}
	if len(c.Warnings) > 0 {
		t.Errorf("warnings:\n%v", c.Warnings)
	}
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	rare := []string{"cache_size", "debug", "token", "body", "close"} // they would change what the example does
	for _, e := range config.Language() {
		if !e.Refused && !slices.Contains(rare, e.Name) && !regexp.MustCompile(fmt.Sprintf(`(?m)^\s*(# )?%s\b`, e.Name)).Match(text) {
			t.Errorf("%s: %s is not in %s", e.Section, e.Name, path)
		}
	}
}
