package config

import "testing"

func FuzzSize(f *testing.F) {
	for _, seed := range []string{"0", "512", "64KiB", "1.5MB", "99999999999TiB", "1e9", "-1", ".", "b", "1kb"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		if n, err := parseSize(text); n < 0 || err != nil && n != 0 {
			t.Errorf("parseSize(%q) = %d, %v", text, n, err)
		}
	})
}
