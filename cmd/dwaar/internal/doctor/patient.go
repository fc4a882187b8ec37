package doctor

import (
	"context"
	"crypto/x509"
	"errors"
	"net"
	"sync"
	"time"

	"dwaar/cmd/dwaar/internal/server"
	"dwaar/netguard"
	"dwaar/proxy/admin"
)

// Patient is what is looked at.
type Patient struct {
	Dwaarfile  string             // its path
	Inspection *server.Inspection // what it says
	Problems   error              // what is wrong with it
	DataDir    string             // absolute
	Version    string             // of this binary
	Built      time.Time          // from what time its source is; zero if that is not known

	// Door is asked about the dwaar that runs; nil means that it cannot have one.
	Door *admin.Client
	// Resolver looks up names. Nil is the system's.
	Resolver netguard.Resolver
	// Roots are those that this system trusts. Nil asks the system.
	Roots func() (*x509.CertPool, error)

	// DoorSaid tells that somebody has said where the door is: nobody there is a failure.
	DoorSaid bool
}

// examination is one look at a patient, for several checks.
type examination struct {
	Patient
	running *answer
	stored  func(context.Context) []server.Inspected // read once
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
	e.readStored()
	return []Check{
		{"dwaarfile", e.dwaarfile},
		{"directories", e.directories},
		{"storage", e.storage},
		{"ports", e.ports},
		{"running dwaar", e.door},
		{"clock", e.clock},
		{"open files", e.limits},
		{"system roots", e.roots},
		{"local CA", e.localCA},
		{"certificates", e.certificates},
		{"responders", e.responders},
		{"CRLs", e.lists},
		{"CAs", e.authorities},
		{"names", e.names},
	}
}

// readStored lets the first who asks for them read the certificates that dwaar has got.
func (e *examination) readStored() {
	var once sync.Once
	var all []server.Inspected
	e.stored = func(ctx context.Context) []server.Inspected {
		once.Do(func() {
			kept, done, err := e.open()
			if err != nil {
				return // another check tells
			}
			defer done()
			all, _ = e.Inspection.Stored(ctx, kept, most) // what can be read
		})
		return all
	}
}

func (e *examination) resolver() netguard.Resolver {
	if e.Resolver != nil {
		return e.Resolver
	}
	return net.DefaultResolver
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
