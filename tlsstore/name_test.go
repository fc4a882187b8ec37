package tlsstore_test

import (
	"io/fs"
	"regexp"
	"strings"
	"testing"

	"dwaar/tlsstore"
)

func TestAnUnreadableFileIsExplained(t *testing.T) {
	err := tlsstore.Explain(&fs.PathError{Op: "open", Path: "/x", Err: fs.ErrPermission})
	if want := "it cannot be read by this user; change its owner or mode: permission denied"; err.Error() != want {
		t.Errorf("error %v, want %s", err, want)
	}
}

func TestNamesAreComparedInOneForm(t *testing.T) {
	label := strings.Repeat("a", 63)
	for name, want := range map[string]string{
		"example.com": "example.com", "EXAMPLE.Com": "example.com", "example.com.": "example.com",
		"xn--mnchen-3ya.example": "xn--mnchen-3ya.example", "_dmarc.a-b.example": "_dmarc.a-b.example", "127.0.0.1": "127.0.0.1",
		label + ".example": label + ".example", strings.Repeat(label+".", 3) + label[:61]: strings.Repeat(label+".", 3) + label[:61],
	} {
		if got, ok := tlsstore.NormalName(name); got != want || !ok {
			t.Errorf("normal form of %q = %q, %v; want %q", name, got, ok, want)
		}
	}
	for _, name := range []string{
		"", ".", "..", "a..b", ".a", "a b", "a\x00b", "münchen.example", "*.example.com", "a/b", "\xff", "::1",
		label + "a.example", strings.Repeat(label+".", 3) + label[:62],
	} {
		if got, ok := tlsstore.NormalName(name); ok {
			t.Errorf("normal form of %q = %q, want none", name, got)
		}
	}
}

// asksFor is a host name that a CA might issue for.
var asksFor = regexp.MustCompile(`^([a-z0-9]([a-z0-9-]*[a-z0-9])?\.)*[a-z0-9-]*[a-z-][a-z0-9-]*$`)

func FuzzNormalName(f *testing.F) {
	for _, seed := range []string{"example.com", "A.B.", "a..b", "xn--a", "\x00", strings.Repeat("a.", 130), "ü"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, name string) {
		normal, ok := tlsstore.NormalName(name)
		if !ok {
			return
		}
		if again, ok := tlsstore.NormalName(normal); !ok || again != normal {
			t.Errorf("normal form of %q is %q, whose normal form is %q, %v", name, normal, again, ok)
		}
		if len(normal) > 253 || !strings.EqualFold(normal, strings.TrimSuffix(name, ".")) || strings.Trim(normal, "abcdefghijklmnopqrstuvwxyz0123456789-_.") != "" {
			t.Errorf("normal form of %q = %q", name, normal)
		}
		if tlsstore.IsHostName(normal) && !asksFor.MatchString(normal) {
			t.Errorf("%q is taken for a host name", normal)
		}
		if n := testing.AllocsPerRun(1, func() { tlsstore.NormalName(normal) }); n > 0 {
			t.Errorf("%v allocations for a normal name", n)
		}
	})
}
