package sealed_test

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"dwaar/tlsstore/storage/sealed"
)

// key is the n-th key.
func key(t *testing.T, n byte) sealed.Key {
	t.Helper()
	k, err := sealed.ParseKey(hex.EncodeToString(bytes.Repeat([]byte{n}, sealed.KeySize)))
	if err != nil {
		t.Fatal(err)
	}
	return k
}

func TestAKeyIsTheSameInEveryWriting(t *testing.T) {
	raw := bytes.Repeat([]byte{0xfb, 0xff, 7, 0x3e}, sealed.KeySize/4) // with + and / in base64
	want, err := sealed.ParseKey(hex.EncodeToString(raw))
	if err != nil {
		t.Fatal(err)
	}
	for _, text := range []string{
		strings.ToUpper(hex.EncodeToString(raw)),
		base64.StdEncoding.EncodeToString(raw) + "\n",
		base64.RawStdEncoding.EncodeToString(raw),
		" " + base64.URLEncoding.EncodeToString(raw),
		base64.RawURLEncoding.EncodeToString(raw),
	} {
		if k, err := sealed.ParseKey(text); err != nil || k.ID() != want.ID() {
			t.Errorf("ParseKey(%q) = %v, %v; want the same key", text, k.ID(), err)
		}
	}
}

func TestWhatIsNoKeyIsRefusedWithoutRepeatingIt(t *testing.T) {
	for text, want := range map[string]string{
		"":                          "this has 0",
		"hunter2!":                  "this is neither",
		"c2VjcmV0":                  "this has 6",
		strings.Repeat("ab", 31):    "this has 46",
		strings.Repeat("ab", 33):    "this has 49",
		strings.Repeat("0", 64):     "zeros",
		strings.Repeat("AAAA", 100): "this has 300",
	} {
		_, err := sealed.ParseKey(text)
		if err == nil || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), "openssl rand -base64 32") {
			t.Errorf("ParseKey(%q) = %v, want %q and how to make one", text, err, want)
		}
		if text != "" && err != nil && strings.Contains(err.Error(), text) {
			t.Errorf("the error repeats the key: %v", err)
		}
	}
}

func TestAKeyDoesNotShowItself(t *testing.T) {
	k := key(t, 0xab)
	var out bytes.Buffer
	log := slog.New(slog.NewJSONHandler(&out, nil))
	log.Info("log", "key", k, "keys", sealed.Keys{Seal: k, Open: []sealed.Key{k}})
	for _, format := range []string{"%v", "%+v", "%#v", "%s", "%x", "%d"} {
		fmt.Fprintf(&out, format, k)
		fmt.Fprintf(&out, format, sealed.Keys{Seal: k, Open: []sealed.Key{k}})
		fmt.Fprintf(&out, format, struct{ k sealed.Key }{k})
	}
	fmt.Fprintf(&out, "%v", seal(t, files(t, t.TempDir()), sealed.Keys{Seal: k}))
	text, err := json.Marshal(sealed.Keys{Seal: k})
	if err != nil {
		t.Fatal(err)
	}
	out.Write(text)
	for _, leak := range []string{"abab", "ABAB", "171 171", "0xab, 0xab", "q6ur"} {
		if strings.Contains(out.String(), leak) {
			t.Errorf("the key shows as %q:\n%s", leak, out.String())
		}
	}
}
