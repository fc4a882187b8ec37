package config_test

import (
	"testing"
	"time"

	"dwaar/proxy/config"
)

func TestDurationsMayHaveDays(t *testing.T) {
	day := 24 * time.Hour
	for text, want := range map[string]time.Duration{
		"0": 0, "0s": 0, "0d": 0, "7d": 7 * day, "1d12h": day + 12*time.Hour, "1h30m": 90 * time.Minute, "250ms": 250 * time.Millisecond,
	} {
		if got, err := config.ParseDuration(text); err != nil || got != want {
			t.Errorf("ParseDuration(%q) = %v, %v, want %v", text, got, err, want)
		}
	}
	for _, text := range []string{"", "d", "7", "7 d", "-7d", "-1s", "+1s", "1d-1h", "1.5d", "1d2d", "99999999999d", "1h1d", "x", "-x", "1d+1h"} {
		if got, err := config.ParseDuration(text); err == nil {
			t.Errorf("ParseDuration(%q) = %v, want an error", text, got)
		}
	}
}
