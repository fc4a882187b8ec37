package responder

import (
	"net"
	"net/http"
	"time"
)

// Asked is one request in the responder's log.
type Asked struct {
	When   time.Time
	Serial string // as hexadecimal digits
	Door   string // by which it came, "" for the responder's own address
}

// Door opens another address of the responder, for one of several clients, so that the log
// tells them apart. It goes down and comes up with the responder.
func (r *Responder) Door(name string) (url string) {
	r.t.Helper()
	addr := r.open("127.0.0.1:0")
	r.mu.Lock()
	defer r.mu.Unlock()
	r.doors = append(r.doors, addr)
	r.names[addr] = name
	return "http://" + addr
}

// Asked is every request so far that could be read.
func (r *Responder) Asked() []Asked {
	r.mu.Lock()
	defer r.mu.Unlock()
	return append([]Asked(nil), r.asked...)
}

// open listens at another address too, or keeps it for Up.
func (r *Responder) open(addr string) string {
	r.t.Helper()
	l, err := net.Listen("tcp4", addr)
	if err != nil {
		r.t.Fatalf("responder: %v", err)
	}
	if r.server == nil {
		_ = l.Close()
	} else {
		go func(s *http.Server) { _ = s.Serve(l) }(r.server)
	}
	return l.Addr().String()
}

// note writes a request into the log, and says by which door it came.
func (r *Responder) note(req *http.Request, serial string) (door string) {
	local, _ := req.Context().Value(http.LocalAddrContextKey).(net.Addr)
	r.mu.Lock()
	defer r.mu.Unlock()
	if local != nil {
		door = r.names[local.String()]
	}
	r.asked = append(r.asked, Asked{When: time.Now(), Serial: serial, Door: door})
	return door
}
