package main

import (
	"fmt"

	"dwaar/cmd/dwaar/internal/doctor"
)

// report shows what a doctor finds: line by line for people, whole for scripts.
type report struct {
	app              *app
	json             bool
	all              []doctor.Finding
	failed, warnings int
}

func newReport(a *app, asJSON bool) *report {
	return &report{app: a, json: asJSON, all: []doctor.Finding{}}
}

func (r *report) add(f doctor.Finding) {
	f.What, f.Why = oneLine(f.What), oneLine(f.Why)
	r.all = append(r.all, f)
	switch f.Level {
	case doctor.Fail:
		r.failed++
	case doctor.Warn:
		r.warnings++
	}
	if !r.json {
		fmt.Fprintln(r.app.stdout, f)
	}
}

// end says how it went.
func (r *report) end() error {
	if r.json {
		return r.app.json(struct {
			OK       bool             `json:"ok"`
			Findings []doctor.Finding `json:"findings"`
		}{r.failed == 0, r.all})
	}
	_, err := fmt.Fprintf(r.app.stdout, "\n%s, %s\n", count(r.failed, "failure"), count(r.warnings, "warning"))
	return err
}

func count(n int, what string) string {
	if n != 1 {
		what += "s"
	}
	return fmt.Sprintf("%d %s", n, what)
}
