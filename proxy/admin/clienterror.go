package admin

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"net/url"
	"strings"
	"syscall"
)

// ErrNotRunning is wrapped when nobody listens where dwaar should.
var ErrNotRunning = errors.New("is dwaar running?")

// Error is an answer of dwaar that is not a success.
type Error struct {
	Code     int // HTTP
	Message  string
	Problems []string // of a refused configuration
}

func (e *Error) Error() string { return e.Message }

// explain turns the dialer's words into what to do.
func (c *Client) explain(err error) error {
	switch {
	case errors.Is(err, context.Canceled):
		return err
	case errors.Is(err, fs.ErrNotExist), errors.Is(err, syscall.ECONNREFUSED):
		return fmt.Errorf("nobody listens on %s: %w Start it with `dwaar run`, or say where it listens with --admin or --data", c.addr, ErrNotRunning)
	case errors.Is(err, fs.ErrPermission):
		return fmt.Errorf("%s may be opened by its owner only: run this command as the user that dwaar runs as", c.addr)
	}
	var uerr *url.Error
	if errors.As(err, &uerr) {
		err = uerr.Err
	}
	return fmt.Errorf("asking dwaar on %s: %w", c.addr, err)
}

func refusal(resp *http.Response, body io.Reader) error {
	raw, _ := io.ReadAll(io.LimitReader(body, 1<<20)) // what arrived is enough to tell
	var f failure
	if json.Unmarshal(raw, &f) != nil || f.Error == "" {
		f.Error = strings.TrimSpace(resp.Status + " " + string(raw))
	}
	return &Error{Code: resp.StatusCode, Message: f.Error, Problems: f.Problems}
}
