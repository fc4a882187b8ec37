package config

import (
	"errors"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"dwaar/proxy/dwaarfile"
)

// line is a directive or option being decoded. Its table has checked the number
// of its arguments and whether it may have a block.
type line struct {
	*dwaarfile.Directive
	b  *builder
	of string // the block it stands in, "" for sites and global options
	// scope is where a directive stands, nil for what stands in no site.
	scope *scope
}

// problem says what is wrong at one of the line's tokens.
func (l line) problem(at dwaarfile.Token, format string, args ...any) {
	l.b.problem(at, l.title()+": "+format, args...)
}

// title is how problems call the line.
func (l line) title() string {
	if l.of != "" {
		return l.of + ": " + l.Name.Text
	}
	return l.Name.Text
}

// refuse reports an error of the package whose configuration the line fills,
// one problem for each of its lines, unless there is none.
func (l line) refuse(at dwaarfile.Token, err error) bool {
	if err == nil {
		return false
	}
	for text := range strings.SplitSeq(err.Error(), "\n") {
		l.problem(at, "%s", strings.TrimPrefix(text, l.Name.Text+": "))
	}
	return true
}

// block is the lines of the line's block, none if it has no block.
func (l line) block() []*dwaarfile.Directive {
	if l.Block == nil {
		return nil
	}
	return l.Block.Directives
}

// path makes a path absolute: it is relative to the directory of the file in
// which it stands.
func (l line) path(tok dwaarfile.Token) string {
	path := tok.Text
	if path == "" {
		l.problem(tok, "an empty path")
		return ""
	}
	if !filepath.IsAbs(path) {
		path = filepath.Join(filepath.Dir(tok.Pos.File), path)
	}
	absolute, err := filepath.Abs(path)
	if err != nil {
		l.problem(tok, "%v", err)
	}
	return absolute
}

// word is an argument out of a list.
func (l line) word(tok dwaarfile.Token, words ...string) string {
	for _, word := range words {
		if tok.Text == word {
			return word
		}
	}
	last := len(words) - 1
	l.problem(tok, "%q is not %s", tok.Text, strings.Join(words[:last], ", ")+" or "+words[last])
	return words[0]
}

// number is an argument between least and most.
func (l line) number(tok dwaarfile.Token, least, most int) int {
	n, err := strconv.Atoi(tok.Text)
	if err != nil || n < least || n > most {
		l.problem(tok, "%q is not a number from %d to %d", tok.Text, least, most)
		return least
	}
	return n
}

// What "0s" becomes where a zero means a default: for most options that have
// none a negative duration, and the least there is where that is refused.
const (
	none   = -time.Nanosecond
	atOnce = time.Nanosecond
)

// duration is an argument that may be zero: then it is zero.
func (l line) duration(tok dwaarfile.Token, zero time.Duration) time.Duration {
	d, err := ParseDuration(tok.Text)
	switch {
	case err != nil:
		l.problem(tok, "%v", err)
	case d == 0:
		return zero
	}
	return d
}

// period is a duration that must be longer than nothing.
func (l line) period(tok dwaarfile.Token) time.Duration {
	d, err := ParseDuration(tok.Text)
	switch {
	case err != nil:
		l.problem(tok, "%v", err)
	case d == 0:
		l.problem(tok, "%q is no time at all", tok.Text)
	}
	return max(d, atOnce)
}

const day = 24 * time.Hour

// ParseDuration reads what time.ParseDuration reads, and whole days before it:
// 7d, 1d12h. Negative durations are refused.
func ParseDuration(text string) (time.Duration, error) {
	refused := errors.New(strconv.Quote(text) + " is no duration like 10s, 1h30m or 7d")
	if positive, found := strings.CutPrefix(text, "-"); found {
		if _, err := ParseDuration(positive); err == nil {
			return 0, errors.New(strconv.Quote(text) + " is negative")
		}
		return 0, refused
	}
	days, rest, found := strings.Cut(text, "d")
	if !found {
		days, rest = "0", text
	}
	n, err := strconv.ParseUint(days, 10, 32)
	if err != nil || n > 100_000 {
		return 0, refused
	}
	if rest == "" && found {
		return time.Duration(n) * day, nil
	}
	d, err := time.ParseDuration(rest)
	if err != nil || d < 0 || strings.HasPrefix(rest, "+") {
		return 0, refused
	}
	return time.Duration(n)*day + min(d, 100_000*day), nil
}
