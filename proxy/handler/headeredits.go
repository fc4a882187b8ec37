package handler

import (
	"errors"
	"fmt"
	"net/http"

	"dwaar/proxy/upstream"
)

// HeaderEdits are changes to what is forwarded: they see the header as the
// upstream gets it, and as it answers, and no other handler does.
type HeaderEdits struct {
	// HeaderUp changes the request's fields. Host is the host the upstream is
	// asked for; it cannot be deleted.
	HeaderUp []HeaderOp `json:"header_up,omitempty"`
	// HeaderDown changes the response's fields.
	HeaderDown []HeaderOp `json:"header_down,omitempty"`
}

// Check reports what is wrong with the changes.
func (c HeaderEdits) Check() error {
	_, err := c.compile()
	return err
}

func (c HeaderEdits) compile() (upstream.Edits, error) {
	var edits upstream.Edits
	var problems []error
	if len(c.HeaderUp) > 0 {
		up, err := compileOps(c.HeaderUp, refuseUp)
		if err != nil {
			problems = append(problems, fmt.Errorf("header_up: %w", err))
		}
		edits.Request = func(out, in *http.Request) { editRequest(out, in, up) }
	}
	if len(c.HeaderDown) > 0 {
		down, err := compileOps(c.HeaderDown, refuseDown)
		if err != nil {
			problems = append(problems, fmt.Errorf("header_down: %w", err))
		}
		edits.Response = func(header http.Header, in *http.Request) {
			for i := range down {
				down[i].apply(header, in)
			}
		}
	}
	return edits, errors.Join(problems...)
}

// editRequest applies ops to out, with in's values in the placeholders.
func editRequest(out, in *http.Request, ops []headerOp) {
	for i := range ops {
		if op := &ops[i]; op.field == "Host" {
			host := http.Header{"Host": {out.Host}}
			op.apply(host, in)
			out.Host = host.Get("Host")
		} else {
			op.apply(out.Header, in)
		}
	}
}

func refuseUp(op HeaderOp, field string) error {
	switch {
	case field == "Host" && op.Op != "set" && op.Op != "replace":
		return fmt.Errorf("%s: a request has exactly one; set or replace it", field)
	case isFraming(field):
		return fmt.Errorf("%s is set by the server and cannot be changed", field)
	}
	return nil
}

func refuseDown(_ HeaderOp, field string) error {
	if isFraming(field) {
		return fmt.Errorf("%s is set by the server and cannot be changed", field)
	}
	return nil
}
