package dwaar

import (
	"bytes"
	"encoding/json"
	"strings"
	"sync"
)

// Log gathers what a process writes; it is safe to read while the process runs.
type Log struct {
	mu   sync.Mutex
	text bytes.Buffer
}

// Write appends p.
func (l *Log) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(p)
}

// String is everything written so far.
func (l *Log) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

// Len counts the bytes written so far.
func (l *Log) Len() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Len()
}

// Tail is the last part of the log, for a failure report.
func (l *Log) Tail(limit int) string {
	text := l.String()
	if len(text) <= limit {
		return text
	}
	return "…" + text[len(text)-limit:]
}

// Lines returns the lines that contain every one of the words.
func (l *Log) Lines(words ...string) []string {
	var out []string
next:
	for line := range strings.Lines(l.String()) {
		for _, word := range words {
			if !strings.Contains(line, word) {
				continue next
			}
		}
		out = append(out, line)
	}
	return out
}

// Records parses the JSON lines of the log at a level ("WARN") whose message or
// fields contain every one of the words.
func (l *Log) Records(level string, words ...string) []map[string]any {
	var out []map[string]any
	for _, line := range l.Lines(words...) {
		var record map[string]any
		if json.Unmarshal([]byte(line), &record) != nil {
			continue
		}
		if got, _ := record["level"].(string); strings.EqualFold(got, level) {
			out = append(out, record)
		}
	}
	return out
}

// faults are signs of a broken program that no test expects.
var faults = []string{"DATA RACE", "panic:", "fatal error:", "runtime error"}

// Fault returns the first sign of a crash or a data race, with what follows.
func (l *Log) Fault() string {
	text := l.String()
	for _, sign := range faults {
		if i := strings.Index(text, sign); i >= 0 {
			return text[i:min(i+4000, len(text))]
		}
	}
	return ""
}
