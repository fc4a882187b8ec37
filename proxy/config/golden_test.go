package config_test

import (
	"flag"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"

	"dwaar/proxy/config"
	"dwaar/proxy/dwaarfile"
)

var update = flag.Bool("update", false, "write what is read into the golden files")

// home is where the files of an archive are: positions and paths of the golden
// files do not depend on where the tests run.
const home = "/etc/dwaar/"

// section is one file of a txtar archive.
type section struct{ name, text string }

// readArchive cuts a txtar archive into its comment and its files.
func readArchive(t *testing.T, path string) (comment string, sections []section) {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(text)) {
		if name, ok := strings.CutPrefix(line, "-- "); ok && strings.HasSuffix(name, " --\n") {
			sections = append(sections, section{name: strings.TrimSuffix(name, " --\n")})
			continue
		}
		if sections == nil {
			comment += line
			continue
		}
		sections[len(sections)-1].text += line
	}
	return comment, sections
}

func writeArchive(t *testing.T, path, comment string, sections []section) {
	t.Helper()
	text := comment
	for _, s := range sections {
		text += "-- " + s.name + " --\n" + s.text
	}
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

// source is the files of an archive below home, and its environment.
func source(sections []section) dwaarfile.Source {
	files, env := fstest.MapFS{}, map[string]string{}
	for _, s := range sections {
		files[strings.TrimPrefix(home+s.name, "/")] = &fstest.MapFile{Data: []byte(s.text)}
		if s.name == "env" {
			for line := range strings.Lines(s.text) {
				name, value, _ := strings.Cut(strings.TrimSuffix(line, "\n"), "=")
				env[name] = value
			}
		}
	}
	return dwaarfile.Source{
		Env:  func(name string) (string, bool) { v, ok := env[name]; return v, ok },
		Open: func(path string) (fs.File, error) { return files.Open(strings.TrimPrefix(path, "/")) },
		Glob: func(pattern string) ([]string, error) {
			paths, err := fs.Glob(files, strings.TrimPrefix(pattern, "/"))
			for i := range paths {
				paths[i] = "/" + paths[i]
			}
			return paths, err
		},
	}
}

// read gives what the archive's Dwaarfile means: JSON and warnings, or errors.
func read(t *testing.T, sections []section) (adapted, warnings, problems string) {
	t.Helper()
	c, err := config.Read(home+"Dwaarfile", source(sections))
	if err != nil {
		return "", "", strings.ReplaceAll(err.Error()+"\n", home, "")
	}
	checkAccepted(t, c)
	text, err := config.Adapt(c)
	if err != nil {
		t.Fatal(err)
	}
	if len(c.Warnings) > 0 {
		warnings = strings.ReplaceAll(c.Warnings.Error()+"\n", home, "")
	}
	return string(text), warnings, ""
}

// TestGolden reads the Dwaarfile of every archive: good ones have the adapted
// JSON and the warnings, bad ones every error with its place.
func TestGolden(t *testing.T) {
	archives, err := filepath.Glob("testdata/*.txtar")
	if err != nil || len(archives) == 0 {
		t.Fatalf("no archives: %v", err)
	}
	for _, path := range archives {
		t.Run(filepath.Base(path), func(t *testing.T) {
			comment, sections := readArchive(t, path)
			adapted, warnings, problems := read(t, sections)
			if good := strings.HasSuffix(path, ".good.txtar"); good == (problems != "") {
				t.Fatalf("good is %v, and the problems are:\n%s", good, problems)
			}
			outputs := []section{{"adapt.json", adapted}, {"warnings", warnings}, {"errors", problems}}
			if *update {
				writeArchive(t, path, comment, replace(sections, outputs))
				return
			}
			for _, out := range outputs {
				if want := find(sections, out.name); out.text != want {
					t.Errorf("%s: got\n%s\nwant\n%s", out.name, out.text, want)
				}
			}
		})
	}
}

// replace gives the inputs of an archive with these outputs.
func replace(sections, outputs []section) []section {
	var kept []section
	for _, s := range sections {
		if s.name != "adapt.json" && s.name != "warnings" && s.name != "errors" {
			kept = append(kept, s)
		}
	}
	for _, out := range outputs {
		if out.text != "" {
			kept = append(kept, out)
		}
	}
	return kept
}

func find(sections []section, name string) string {
	for _, s := range sections {
		if s.name == name {
			return s.text
		}
	}
	return ""
}
