package handler

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"

	"dwaar/proxy/placeholder"
	"dwaar/proxy/request"
)

// Respond answers with a fixed status and a text.
type Respond struct {
	// Status is 200 to 599; zero means 200, or where a failure is answered its
	// status.
	Status int `json:"status,omitempty"`
	// Body may hold placeholders. It is sent as application/json when it is
	// JSON, else as text/plain; header Content-Type decides otherwise.
	Body string `json:"body,omitempty"`
	// Close closes the connection after the response.
	Close bool `json:"close,omitempty"`
}

// Name implements [Directive].
func (Respond) Name() string { return "respond" }

// Compile implements [Directive].
func (c Respond) Compile(*Env) (Middleware, error) {
	if c.Status != 0 && (c.Status < 200 || c.Status > 599) {
		return nil, fmt.Errorf("respond: status %d is not between 200 and 599", c.Status)
	}
	body, err := placeholder.Compile(c.Body)
	if err != nil {
		return nil, fmt.Errorf("respond: %w", err)
	}
	answer := &respond{status: c.Status, body: body, close: c.Close}
	return func(http.Handler) http.Handler { return answer }, nil
}

type respond struct {
	status int
	body   placeholder.Text
	close  bool
}

func (h *respond) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	header := w.Header()
	if h.close {
		header.Set("Connection", "close")
	}
	status, body := h.statusFor(r), h.body.Expand(r)
	if body == "" || status == http.StatusNoContent || status == http.StatusNotModified {
		w.WriteHeader(status)
		return
	}
	header.Set("Content-Type", contentType(body))
	header.Set("Content-Length", strconv.Itoa(len(body)))
	w.WriteHeader(status)
	if r.Method != http.MethodHead {
		_, _ = io.WriteString(w, body)
	}
}

// statusFor is the status that was written, else that of the failure which is
// answered, else 200.
func (h *respond) statusFor(r *http.Request) int {
	if h.status != 0 {
		return h.status
	}
	if status := request.Of(r).Failure.Status; status != 0 {
		return status
	}
	return http.StatusOK
}

// contentType names the type of a body that was written in a Dwaarfile. It
// never guesses HTML: what a placeholder brings in shall not become markup.
func contentType(body string) string {
	if strings.HasPrefix(body, "{") || strings.HasPrefix(body, "[") {
		if json.Valid([]byte(body)) {
			return "application/json"
		}
	}
	return "text/plain; charset=utf-8"
}
