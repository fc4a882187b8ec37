package demo

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"strconv"
)

const portsFile = "ports.json"

// ports are where the demo's parts listen, all on 127.0.0.1. They are kept, so
// that the next run finds the Dwaarfile and the responder's URL still true.
type ports struct {
	HTTP      int `json:"http"`
	HTTPS     int `json:"https"`
	Upstream  int `json:"upstream"`
	Responder int `json:"responder"`
}

// preferred are the ports of a first run.
var preferred = ports{HTTP: 8080, HTTPS: 8443, Upstream: 9000, Responder: 9080}

// listeners are the demo's own ports, kept open from the choice on.
type listeners struct{ upstream, responder net.Listener }

func (l listeners) close() {
	for _, ln := range []net.Listener{l.upstream, l.responder} {
		if ln != nil {
			_ = ln.Close()
		}
	}
}

// choosePorts takes the ports of the last run in dir, or other free ones where
// those are busy. It returns a sentence for each that is not the wanted one.
func choosePorts(dir string) (p ports, l listeners, said []string, err error) {
	p = loadPorts(dir)
	defer func() {
		if err != nil {
			l.close()
		}
	}()
	if l.upstream, err = listenOr(&p.Upstream, "the upstream", &said); err != nil {
		return p, l, nil, err
	}
	if l.responder, err = listenOr(&p.Responder, "the responder", &said); err != nil {
		return p, l, nil, err
	}
	// The proxy opens its own two; until it does they are only known to be free.
	for _, own := range []struct {
		port  *int
		whose string
	}{{&p.HTTPS, "https"}, {&p.HTTP, "http"}} {
		ln, err := listenOr(own.port, own.whose, &said)
		if err != nil {
			return p, l, nil, err
		}
		defer ln.Close()
	}
	return p, l, said, p.save(dir)
}

func loadPorts(dir string) ports {
	p := preferred
	raw, err := os.ReadFile(filepath.Join(dir, portsFile))
	if err != nil || json.Unmarshal(raw, &p) != nil {
		return preferred // a first run, or a file that is no longer ours: begin anew
	}
	return p
}

func (p ports) save(dir string) error {
	raw, err := json.Marshal(p)
	if err != nil {
		return err
	}
	return writeFile(dir, portsFile, append(raw, '\n'), 0o644)
}

// listenOr listens on *port or, if that is busy, on a free one, which it notes.
func listenOr(port *int, whose string, said *[]string) (net.Listener, error) {
	if ln, err := listenOn(*port); err == nil {
		return ln, nil
	}
	ln, err := listenOn(0)
	if err != nil {
		return nil, fmt.Errorf("looking for a free port for %s: %w", whose, err)
	}
	free := ln.Addr().(*net.TCPAddr).Port
	*said = append(*said, fmt.Sprintf("port %d is busy, %s listens on %d", *port, whose, free))
	*port = free
	return ln, nil
}

func listenOn(port int) (net.Listener, error) {
	return net.Listen("tcp", net.JoinHostPort("127.0.0.1", strconv.Itoa(port)))
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return !errors.Is(err, fs.ErrNotExist)
}
