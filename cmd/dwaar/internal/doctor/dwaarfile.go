package doctor

import (
	"context"
	"errors"
	"strings"

	"dwaar/proxy/dwaarfile"
)

// dwaarfile tells what `dwaar validate` does.
func (e *examination) dwaarfile(context.Context) (found []Finding) {
	var problems dwaarfile.Problems
	if e.Problems != nil && !errors.As(e.Problems, &problems) {
		found = append(found, fail(e.Dwaarfile, "%v", e.Problems))
	}
	for _, p := range problems {
		found = append(found, problem(Fail, p))
	}
	for _, p := range e.Inspection.Warnings {
		found = append(found, problem(Warn, p))
	}
	if e.Problems == nil {
		return append([]Finding{ok(e.Dwaarfile, "is valid")}, found...)
	}
	return found
}

// problem is p as a finding: its place, and then the rest of its line.
func problem(level Level, p dwaarfile.Problem) Finding {
	at := p.Pos.String()
	return Finding{Level: level, What: at, Why: strings.TrimPrefix(p.Error(), at+": ")}
}
