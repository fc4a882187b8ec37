package server

import (
	"log/slog"

	"dwaar/proxy/config"
	"dwaar/proxy/dwaarfile"
)

// Inspection is what can be learned from a Dwaarfile and the files it names, for
// who looks at it and does not serve it.
type Inspection struct {
	// Config is nil where the Dwaarfile cannot be understood.
	Config *config.Config
	// Warnings are no problems, but perhaps not what was meant.
	Warnings dwaarfile.Problems

	plan *plan
}

// Inspect reads the Dwaarfile at path as Check does. The error has a line for each
// problem; the inspection that comes with one is of what can be read all the same.
func Inspect(path string) (*Inspection, error) {
	p, err := readPlan(path, slog.New(slog.DiscardHandler))
	if p == nil {
		return &Inspection{}, err
	}
	return &Inspection{Config: p.cfg, Warnings: p.warnings.Sorted(), plan: p}, err
}
