package main

import (
	"errors"
	"fmt"
	"strings"

	"dwaar/proxy/admin"
	"dwaar/proxy/dwaarfile"
)

const (
	exitFailed = 1
	exitUsage  = 2
)

// errTold ends a command with 1 whose output has said everything.
var errTold = errors.New("told")

// usageError is a wrong command line or a bad Dwaarfile.
type usageError struct{ err error }

func (e usageError) Error() string { return e.err.Error() }
func (e usageError) Unwrap() error { return e.err }

func usage(err error) error { return usageError{err} }

// problemsError is a refused configuration: one problem a line, each as
// file:line:col: message, and what that means for the command.
type problemsError struct {
	summary  string
	problems []string
}

func (e problemsError) Error() string { return e.summary }

// badDwaarfile is err as what a command ends with: exit code 2 for the problems
// of a Dwaarfile, and 1 for anything else, such as a full disk.
func badDwaarfile(summary string, err error) error {
	var problems dwaarfile.Problems
	if !errors.As(err, &problems) {
		return err
	}
	return usage(problemsError{summary: summary, problems: lines(problems)})
}

func lines(problems dwaarfile.Problems) []string {
	all := make([]string, len(problems))
	for i, p := range problems {
		all[i] = p.Error()
	}
	return all
}

// report writes err to stderr: problems as they are, so that editors find the
// place, everything else as `dwaar: …`.
func (a *app) report(err error) {
	if err == nil || errors.Is(err, errTold) {
		return
	}
	var refused problemsError
	var answer *admin.Error
	switch {
	case errors.As(err, &refused):
		a.problems(refused.problems)
	case errors.As(err, &answer):
		a.problems(answer.Problems)
	}
	fmt.Fprintf(a.stderr, "dwaar: %s\n", strings.TrimSpace(printable(err.Error())))
}

// warn writes what is no problem, but perhaps not what was meant.
func (a *app) warn(lines []string) {
	for _, line := range lines {
		fmt.Fprintf(a.stderr, "%s (warning)\n", printable(line))
	}
}

func (a *app) problems(lines []string) {
	for _, line := range lines {
		fmt.Fprintln(a.stderr, printable(line))
	}
}

func exitCode(err error) int {
	var wrong usageError
	switch {
	case err == nil:
		return 0
	case errors.As(err, &wrong):
		return exitUsage
	}
	return exitFailed
}

// printable is s without what could move a terminal's cursor: texts from
// responders and files are shown as they came, but not obeyed.
func printable(s string) string {
	return strings.Map(func(r rune) rune {
		if r < ' ' && r != '\n' && r != '\t' || r >= 0x7f && r <= 0x9f {
			return '�'
		}
		return r
	}, s)
}
