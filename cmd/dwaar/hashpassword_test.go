package main

import (
	"bytes"
	"errors"
	"strings"
	"testing"

	"golang.org/x/crypto/bcrypt"
)

func TestHashPasswordPrintsAHashOfThePassword(t *testing.T) {
	for name, c := range map[string]struct {
		args  []string
		stdin string
	}{
		"an argument": {[]string{"--plaintext", "secret word"}, "another\n"},
		"a line":      {nil, "secret word\nanother\n"},
		"no line end": {nil, "secret word"},
		"CRLF":        {nil, "secret word\r\n"},
	} {
		var stdout, stderr bytes.Buffer
		code := Main(append([]string{"hash-password", "--cost", "4"}, c.args...), strings.NewReader(c.stdin), &stdout, &stderr)
		hash := strings.TrimSuffix(stdout.String(), "\n")
		if code != 0 || stderr.Len() > 0 || !strings.HasPrefix(hash, "$2a$04$") || bcrypt.CompareHashAndPassword([]byte(hash), []byte("secret word")) != nil {
			t.Errorf("%s: exit %d, %q, %q", name, code, stdout.String(), stderr.String())
		}
	}
}

func TestHashPasswordRefusesWhatBcryptCannotKeep(t *testing.T) {
	for name, c := range map[string]struct {
		args        []string
		stdin, want string
	}{
		"empty":    {nil, "\n", "empty"},
		"nothing":  {nil, "", "empty"},
		"long":     {nil, strings.Repeat("é", 37), "74 bytes"},
		"low cost": {[]string{"--cost", "3"}, "x", "between 4 and 16"},
		"high":     {[]string{"--cost", "17"}, "x", "between 4 and 16"},
	} {
		var stdout, stderr bytes.Buffer
		if code := Main(append([]string{"hash-password"}, c.args...), strings.NewReader(c.stdin), &stdout, &stderr); code != 2 || stdout.Len() > 0 || !strings.Contains(stderr.String(), c.want) {
			t.Errorf("%s: exit %d, %q, %q", name, code, stdout.String(), stderr.String())
		}
	}
}

func TestAPasswordIsTypedTwice(t *testing.T) {
	typed := func(words ...string) func() (string, error) {
		return func() (string, error) {
			if len(words) == 0 {
				return "", errors.New("the terminal is gone")
			}
			word := words[0]
			words = words[1:]
			return word, nil
		}
	}
	var prompt bytes.Buffer
	if word, err := askTwice(&prompt, typed("a", "a")); word != "a" || err != nil || strings.Count(prompt.String(), "\n") != 2 {
		t.Errorf("%q, %v, prompt %q", word, err, prompt.String())
	}
	if _, err := askTwice(&prompt, typed("a", "b")); err == nil {
		t.Error("two passwords are one")
	}
	if _, err := askTwice(&prompt, typed("a")); err == nil {
		t.Error("half a password is one")
	}
}
