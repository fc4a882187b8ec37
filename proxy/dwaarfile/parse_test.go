package dwaarfile_test

import (
	"strings"
	"testing"

	"dwaar/proxy/dwaarfile"
)

// grammar has a text for every rule of the grammar and what it reads as.
var grammar = []struct {
	name, text, want string
	env, files       map[string]string
}{
	{name: "empty", text: "", want: ""},
	{name: "only comments", text: "# nothing\n\n# here", want: ""},
	{name: "site", text: "a.com {\n\trespond hello 200\n}\n",
		want: "site a.com {\n  respond hello 200\n}\n"},
	{name: "byte order mark and carriage returns", text: "\uFEFFa.com {\r\n\trespond hello\r\n}\r\n",
		want: "site a.com {\n  respond hello\n}\n"},
	{name: "site without braces", text: "a.com\n\nrespond hello\nlog\n",
		want: "site a.com {\n  respond hello\n  log\n}\n"},
	{name: "site without braces behind options and a snippet", text: "{\n\tdebug\n}\n(s) {\n\tlog\n}\na.com\nimport s\n",
		want: "global {\n  debug\n}\nsite a.com {\n  log\n}\n"},
	{name: "brace on the next line", text: "a.com\n{\n\tlog\n}\n(s)\n{\n\tlog\n}\n",
		want: "site a.com {\n  log\n}\n"},
	{name: "address lists", text: "a.com, b.com c.com , d.com,\n  e.com {\n}\n",
		want: "site a.com b.com c.com d.com e.com {\n}\n"},
	{name: "global options", text: "{\n\tdebug\n\tocsp {\n\t\tpace 1s\n\t}\n}\na.com {\n}\n",
		want: "global {\n  debug\n  ocsp {\n    pace 1s\n  }\n}\nsite a.com {\n}\n"},
	{name: "comments only at the start of a token", text: "a.com { # one\n\trespond a#b # two\n# three\n}\n",
		want: "site a.com {\n  respond a#b\n}\n"},
	{name: "double quotes", text: `a.com {` + "\n" + `respond "a b" "say \"hi\"" "\n \\ C:\\" ""` + "\n}\n",
		want: "site a.com {\n  respond \"a b\" \"say \\\"hi\\\"\" \"\\\\n \\\\\\\\ C:\\\\\\\\\" \"\"\n}\n"},
	{name: "quotes over lines", text: "a.com {\n\trespond \"a\nb\" `c\nd`\n}\n",
		want: "site a.com {\n  respond \"a\\nb\" \"c\\nd\"\n}\n"},
	{name: "backquotes", text: "a.com {\n\trespond `a \"b\" \\` c\n}\n",
		want: "site a.com {\n  respond \"a \\\"b\\\" \\\\\" c\n}\n"},
	{name: "a quote inside a word", text: "a.com {\n\trespond a\"b c\" \"d\"e\n}\n",
		want: "site a.com {\n  respond a\"b c\" \"d\" e\n}\n"},
	{name: "quoted braces are arguments", text: "a.com {\n\trespond \"{\" `}` \"{\"\n\trespond {} x\n}\n",
		want: "site a.com {\n  respond \"{\" \"}\" \"{\"\n  respond {} x\n}\n"},
	{name: "continuation", text: "a.com {\n\trespond a \\\n\t\tb\\\n c\\\r\n d\n}\n",
		want: "site a.com {\n  respond a b c d\n}\n"},
	{name: "other backslashes stay", text: "a.com {\n\trespond \\d+ a\\.b c\\\"d \\<<x\n}\n",
		want: "site a.com {\n  respond \\d+ a\\.b c\\\"d <<x\n}\n"},
	{name: "heredoc", text: "a.com {\n\trespond <<END\n\t\tone\n\n\t\t\ttwo \"3\" # {\n\t\tEND 200\n\tlog\n}\n",
		want: "site a.com {\n  respond \"one\\n\\n\\ttwo \\\"3\\\" # {\" 200\n  log\n}\n"},
	{name: "heredoc with carriage returns", text: "a.com {\r\n\trespond <<END\r\n\tone\r\n\r\n\ttwo\r\n\tEND\r\n}\r\n",
		want: "site a.com {\n  respond \"one\\n\\ntwo\"\n}\n"},
	{name: "empty heredoc", text: "a.com {\n\trespond <<END\nEND\n}\n",
		want: "site a.com {\n  respond \"\"\n}\n"},
	{name: "two angles in a line are a word", text: "a.com {\n\trespond <<END 200\n}\n",
		want: "site a.com {\n  respond <<END 200\n}\n"},
	{name: "environment", text: "{$HOST} {\n\trespond {$TEXT} {$NONE:a b} \"{$TEXT}\" {$EMPTY:x} {$} {env.HOST} {$URL:http://x:80}\n}\n",
		env:  map[string]string{"HOST": "a.com, b.com", "TEXT": "x y", "EMPTY": ""},
		want: "site a.com b.com {\n  respond x y a b \"x y\" {$} {env.HOST} http://x:80\n}\n"},
	{name: "environment is not looked into again", text: "a.com {\n\trespond {$A}\n}\n",
		env:  map[string]string{"A": "{$B}", "B": "no"},
		want: "site a.com {\n  respond {$B}\n}\n"},
	{name: "environment with lines", text: "{$SITES}\n",
		env:  map[string]string{"SITES": "a.com {\n\tlog\n}\nb.com {\n}"},
		want: "site a.com {\n  log\n}\nsite b.com {\n}\n"},
	{name: "an unset variable where nothing may stand", text: "{\n\t{$OPTIONS}\n}\n\n{$MORE}\n\na.com {\n\trespond {$TEXT} 200\n\t# {$COMMENT}\n}\n",
		want: "global {\n}\nsite a.com {\n  respond 200\n}\n"},
	{name: "an empty default beside text", text: "a.com{$PORT:} {\n}\n",
		want: "site a.com {\n}\n"},
	{name: "named matcher and named route", text: "&(r) {\n\trespond ok\n}\na.com {\n\t@m path /a /b\n\t@n {\n\t\tmethod GET\n\t}\n\tinvoke r\n}\n",
		want: "route r {\n  respond ok\n}\nsite a.com {\n  @m path /a /b\n  @n {\n    method GET\n  }\n  invoke r\n}\n"},
	{name: "snippet with arguments", text: "(s) {\n\theader {args[0]} \"{args[1]}-{args[0]}\"\n\trespond {args[:]}\n\ttry {args[1:]} end {args[:1]} {args[3:]} \\{args[9]}\n}\na.com {\n\timport s one \"two 2\" three\n}\n",
		want: "site a.com {\n  header one \"two 2-one\"\n  respond one \"two 2\" three\n  try \"two 2\" three end one \\{args[9]}\n}\n"},
	{name: "snippet in a directive, quoted import", text: "(s) {\n\tb c\n}\na.com {\n\theader {\n\t\t\"import\" s\n\t}\n}\n",
		want: "site a.com {\n  header {\n    b c\n  }\n}\n"},
	{name: "snippet of sites", text: "(s) {\n\t{args[0]} {\n\t\timport t {args[0]}\n\t}\n}\n(t) {\n\trespond {args[0]}\n}\nimport s a.com\nimport s b.com\n",
		want: "site a.com {\n  respond a.com\n}\nsite b.com {\n  respond b.com\n}\n"},
	{name: "passed block", text: "(s) {\n\thandle {args[0]} {\n\t\t{block}\n\t}\n}\na.com {\n\timport s /a {\n\t\trespond A\n\t\tlog\n\t}\n\timport s /b\n}\n",
		want: "site a.com {\n  handle /a {\n    respond A\n    log\n  }\n  handle /b {\n  }\n}\n"},
	{name: "passed blocks by key", text: "(s) {\n\thandle {\n\t\t{blocks.one}\n\t}\n\t{blocks.two}\n\t{blocks.three}\n}\na.com {\n\timport s {\n\t\ttwo {\n\t\t\tlog\n\t\t}\n\t\tone {\n\t\t\trespond 1\n\t\t}\n\t}\n}\n",
		want: "site a.com {\n  handle {\n    respond 1\n  }\n  log\n}\n"},
	{name: "passed block of sites", text: "(s) {\n\t{block}\n}\nimport s {\n\ta.com {\n\t\tlog\n\t}\n}\n",
		want: "site a.com {\n  log\n}\n"},
	{name: "a passed block speaks of the arguments where it stands, and may import the same snippet",
		text: "(s) {\n\t{args[0]}\n\t{block}\n}\n(t) {\n\timport s in {\n\t\tx {args[0]}\n\t\timport s again\n\t}\n}\na.com {\n\timport t out\n}\n",
		want: "site a.com {\n  in\n  x out\n  again\n}\n"},
	{name: "a snippet uses one that is defined later", text: "(s) {\n\timport t\n}\n(t) {\n\tlog\n}\na.com {\n\timport s\n}\n",
		want: "site a.com {\n  log\n}\n"},
	{name: "files", text: "import sites/one.conf a.com\nimport sites/*.site\nimport none/*\nb.com {\n\timport sites/common\n}\n",
		files: map[string]string{
			"sites/one.conf": "{args[0]} {\n\timport common\n}\n",
			"sites/common":   "log {args[:]}\n",
			"sites/2.site":   "two.com {\n}\n", "sites/1.site": "one.com {\n}\n", "sites/.3.site": "three.com {\n}\n",
		},
		want: "site a.com {\n  log\n}\nsite one.com {\n}\nsite two.com {\n}\nsite b.com {\n  log\n}\nwarning Dwaarfile:3:8: no file matches the pattern none/*: nothing is imported\n"},
	{name: "snippets come out of a file and win over files", text: "import lib\na.com {\n\timport s\n}\n",
		files: map[string]string{"lib": "(s) {\n\tfrom snippet\n}\n", "s": "from file\n"},
		want:  "site a.com {\n  from snippet\n}\n"},
}

func TestGrammar(t *testing.T) {
	for _, c := range grammar {
		t.Run(c.name, func(t *testing.T) {
			if got := parse(t, c.text, files(c.env, c.files)); got != c.want {
				t.Errorf("read\n%s\ngot\n%s\nwant\n%s", c.text, got, c.want)
			}
		})
	}
}

// With an error come the blocks that have none, in which more may be wrong; and
// nothing where it is not clear what is text and what is quoted.
func TestBlocksWithoutAProblemComeWithTheError(t *testing.T) {
	for text, want := range map[string]string{
		"{\n\tdebug\n}\na {\n\tx\n}\nb {\n\tx { y\n\t}\n}\nc {\n\tx\n}\n":     "global a c",
		"{\n\tdebug { x\n\t}\n}\na {\n\tx\n}\n":                               "a",
		"(s) {\n\tx { y\n\t}\n}\na {\n\timport s\n}\nb {\n\tx\n}\n":           "b",
		"(s) {\n\tx {args[0]}\n}\na {\n\timport s\n}\nb {\n\timport s 1\n}\n": "b",
		"a {\n\timport nowhere\n}\nb {\n\tx\n}\n":                             "b",
		"a, {\n\tx\n}\nb {\n\tx\n}\n}\n":                                      "b",
		"a {\n\tx\n}\nb {\n\tx \"y\n}\nc {\n\tx\n}\n":                         "nothing",
		"a {\n\tx\n}\nb {\n\tx <<END\n\ty\n}\n":                               "nothing",
		"a {\n\tx\n}\nb {\n\tx {\n}\nc {\n\tx\n}\n":                           "a",
	} {
		file, err := dwaarfile.Parse("Dwaarfile", text, dwaarfile.Source{})
		if err == nil {
			t.Errorf("%q has no problem", text)
		}
		got := "nothing"
		if file != nil {
			var blocks []string
			if file.Global != nil {
				blocks = append(blocks, "global")
			}
			for _, s := range file.Sites {
				blocks = append(blocks, s.Addresses[0].Text)
			}
			got = strings.Join(blocks, " ")
		}
		if got != want {
			t.Errorf("%q: %s came with the error, want %s (%v)", text, got, want, err)
		}
	}
}
