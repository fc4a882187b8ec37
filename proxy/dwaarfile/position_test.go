package dwaarfile_test

import (
	"fmt"
	"strings"
	"testing"

	"dwaar/proxy/dwaarfile"
)

func TestTokensKnowTheirPlaceInTheFileWhateverTheEnvironment(t *testing.T) {
	text := "a.com {\n\t{$ONE} ü {$TWO}x \"y {$NONE}\" z\n\tlast {$NONE:é} end\n}\n"
	env := map[string]string{"ONE": "first\nsecond", "TWO": "a b "}
	f, err := dwaarfile.Parse("f", text, files(env, nil))
	if err != nil {
		t.Fatal(err)
	}
	var got strings.Builder
	for _, d := range f.Sites[0].Block.Directives {
		for _, tok := range append([]dwaarfile.Token{d.Name}, d.Args...) {
			fmt.Fprintf(&got, "%s %d:%d\n", tok.Text, tok.Pos.Line, tok.Pos.Col)
		}
	}
	want := "first 2:2\nsecond 2:2\nü 2:9\na 2:11\nb 2:11\nx 2:17\ny  2:19\nz 2:31\nlast 3:2\né 3:7\nend 3:17\n"
	if got.String() != want {
		t.Errorf("got\n%s\nwant\n%s", got.String(), want)
	}
}

func TestCommentsKeepTheirPlace(t *testing.T) {
	f, err := dwaarfile.Parse("f", "# one\na.com { # two\r\n\tlog x#y\n}\n", dwaarfile.Source{})
	if err != nil {
		t.Fatal(err)
	}
	if got, want := fmt.Sprint(f.Comments), "[{# one f:1:1} {# two f:2:9}]"; got != want {
		t.Errorf("comments are %s, want %s", got, want)
	}
}

func TestBlocksKnowTheirBraces(t *testing.T) {
	f, err := dwaarfile.Parse("f", "a.com\n{\n\thandle {\n\t}\n}\n", dwaarfile.Source{})
	if err != nil {
		t.Fatal(err)
	}
	site, handle := f.Sites[0].Block, f.Sites[0].Block.Directives[0].Block
	if got, want := fmt.Sprint(site.Open, site.Close, handle.Open, handle.Close), "f:2:1 f:5:1 f:3:9 f:4:2"; got != want {
		t.Errorf("braces stand at %s, want %s", got, want)
	}
}
