package dwaarfile_test

import (
	"math/rand/v2"
	"runtime"
	"strconv"
	"strings"
	"testing"

	"dwaar/proxy/dwaarfile"
)

// allocated is how many bytes f asks for.
func allocated(f func()) uint64 {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	f()
	runtime.ReadMemStats(&after)
	return after.TotalAlloc - before.TotalAlloc
}

func randomBytes(n int) string {
	random := rand.New(rand.NewPCG(1, 2))
	b := make([]byte, n)
	for i := range b {
		b[i] = byte(random.Uint32())
	}
	return string(b)
}

// hostile has texts that ask for more than a Dwaarfile may.
var hostile = []struct {
	name, text, want string
	env              map[string]string
}{
	{name: "10 MiB of random bytes", text: randomBytes(10 << 20), want: "Dwaarfile: the file is larger than 8 MiB"},
	{name: "a megabyte of random bytes", text: randomBytes(1 << 20), want: "Dwaarfile:1:1: the file is not UTF-8"},
	{name: "8 MiB of words", text: strings.Repeat("a ", 4<<20), want: "Dwaarfile:1:1048577: the file is too large: the limit is 524288 words and comments"},
	{name: "8 MiB of comments", text: strings.Repeat("#\n", 4<<20), want: "Dwaarfile:524289:1: the file is too large: the limit is 524288 words and comments"},
	{name: "200,000 open braces", text: strings.Repeat("{\n", 200_000), want: "Dwaarfile:2:1: the { of a block must stand at the end of its directive's line"},
	{name: "500,000 closing braces", text: strings.Repeat("}\n", 500_000), want: "Dwaarfile:1:1: this } closes no block"},
	{name: "8 MiB of quotes", text: strings.Repeat(`"`, 8<<20-1), want: "Dwaarfile:1:1048577: the file is too large: the limit is 524288 words and comments"},
	{name: "many environment references", text: strings.Repeat("{$A}", 100_000), want: "Dwaarfile: more than 65536 environment references in one file"},
	{name: "an environment that grows", text: strings.Repeat("{$A}", 1000), env: map[string]string{"A": strings.Repeat("a", 100_000)}, want: "Dwaarfile: the file is larger than 8 MiB"},
	{name: "snippets that double", text: doubling("\timport s%\n\timport s%\n"), want: "the text becomes too large by its imports: the limit is 524288 words"},
	{name: "words that double", text: doubling("\timport s% {args[:]} {args[:]}\n"), want: "the text becomes too large by its imports: the limit is 524288 words"},
	{name: "a word that doubles", text: doubling("\timport s% {args[0]}{args[0]}\n"), want: "this becomes longer than 1 MiB by its arguments"},
	{name: "a long word in many places", text: "(s) {\n" + strings.Repeat("\tx {args[0]}\n", 300) + "}\na.com {\n\timport s " + strings.Repeat("w", 1<<19) + "\n}\n",
		want: "the text becomes too large by its imports: the limit is 524288 words or 64 MiB"},
	{name: "a chain of imports", text: chain(100), want: "imports are nested deeper than 32"},
}

// doubling has thirty snippets of the same body, % being the next one.
func doubling(body string) string {
	var b strings.Builder
	for i := range 30 {
		b.WriteString("(s" + strconv.Itoa(i) + ") {\n" + strings.ReplaceAll(body, "%", strconv.Itoa(i+1)) + "}\n")
	}
	b.WriteString("(s30) {\n\tlog\n}\na.com {\n\timport s0 x\n}\n")
	return b.String()
}

func chain(n int) string {
	var b strings.Builder
	for i := range n {
		b.WriteString("(s" + strconv.Itoa(i) + ") {\n\timport s" + strconv.Itoa(i+1) + "\n}\n")
	}
	return b.String() + "a.com {\n\timport s0\n}\n"
}

func TestHostileTextIsRefusedInBoundedMemory(t *testing.T) {
	const bound = 300 << 20
	for _, c := range hostile {
		t.Run(c.name, func(t *testing.T) {
			var got string
			used := allocated(func() {
				_, err := dwaarfile.Parse("Dwaarfile", c.text, files(c.env, nil))
				if err != nil {
					got = err.Error()
				}
			})
			t.Logf("%d MiB", used>>20)
			if used > bound {
				t.Errorf("took %d MiB of memory", used>>20)
			}
			first, _, _ := strings.Cut(got, "\n")
			if !strings.Contains(first, c.want) {
				t.Errorf("err = %.300s, want %s", first, c.want)
			}
		})
	}
}
