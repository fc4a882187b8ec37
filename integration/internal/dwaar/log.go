package dwaar

import (
	"bytes"
	"encoding/json"
	"fmt"
	"regexp"
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

// Records returns the records of a level ("WARN") that contain every one of the words, by key.
// It reads both of slog's formats.
func (l *Log) Records(level string, words ...string) []map[string]string {
	var out []map[string]string
	for _, line := range l.Lines(words...) {
		record := parse(line)
		if strings.EqualFold(record["level"], level) {
			out = append(out, record)
		}
	}
	return out
}

var pair = regexp.MustCompile(`(\w+)=("(?:[^"\\]|\\.)*"|\S*)`)

func parse(line string) map[string]string {
	record := map[string]string{}
	var fields map[string]any
	if json.Unmarshal([]byte(line), &fields) == nil {
		for key, value := range fields {
			record[key] = fmt.Sprint(value)
		}
		return record
	}
	for _, m := range pair.FindAllStringSubmatch(line, -1) {
		record[m[1]] = m[2]
	}
	return record
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
