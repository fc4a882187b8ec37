package doctor

import "fmt"

// Level says how bad a finding is.
type Level string

// The levels of findings.
const (
	OK   Level = "ok"   // as it should be
	Warn Level = "warn" // works, but perhaps not as was meant, or not for long
	Fail Level = "fail" // does not work
)

// Finding is one thing that was looked at.
type Finding struct {
	Check string `json:"check"` // who found it
	Level Level  `json:"level"`
	What  string `json:"what"` // what was looked at
	Why   string `json:"why"`  // how it is, and what to do about it
}

// String is the line that people read.
func (f Finding) String() string { return fmt.Sprintf("%-4s  %-24s  %s", f.Level, f.What, f.Why) }

func ok(what, format string, args ...any) Finding { return finding(OK, what, format, args) }

func warn(what, format string, args ...any) Finding { return finding(Warn, what, format, args) }

func fail(what, format string, args ...any) Finding { return finding(Fail, what, format, args) }

func finding(level Level, what, format string, args []any) Finding {
	return Finding{Level: level, What: what, Why: fmt.Sprintf(format, args...)}
}
