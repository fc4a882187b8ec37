package doctor

import (
	"context"
	"errors"
	"sync"

	"dwaar/cmd/dwaar/internal/server"
	"dwaar/proxy/admin"
)

// Patient is what is looked at.
type Patient struct {
	Dwaarfile  string             // its path
	Inspection *server.Inspection // what it says
	Problems   error              // what is wrong with it
	DataDir    string             // absolute
	Version    string             // of this binary

	// Door is asked about the dwaar that runs; nil means that it cannot have one.
	Door *admin.Client
	// DoorSaid tells that somebody has said where the door is: nobody there is a failure.
	DoorSaid bool
}

// examination is one look at a patient, for several checks.
type examination struct {
	Patient
	running *answer
}

// answer is what the running dwaar says of itself, asked once.
type answer struct {
	once   sync.Once
	status admin.Status
	err    error
}

// Checks are all there is to look at, in the order in which it is told.
func Checks(p Patient) []Check {
	e := &examination{Patient: p, running: &answer{}}
	return []Check{
		{"dwaarfile", e.dwaarfile},
		{"directories", e.directories},
		{"ports", e.ports},
		{"running dwaar", e.door},
	}
}

// Why there is no door.
var (
	errOff    = errors.New("the option admin is off")
	errNoDoor = errors.New("its address is impossible")
)

// status asks the running dwaar; nobody needs to have one.
func (e *examination) status(ctx context.Context) (admin.Status, error) {
	e.running.once.Do(func() {
		if e.Door == nil {
			e.running.err = errOff
			if e.doorAddress() != admin.Off {
				e.running.err = errNoDoor
			}
			return
		}
		e.running.status, e.running.err = e.Door.Status(ctx)
	})
	return e.running.status, e.running.err
}
