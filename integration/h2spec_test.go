package integration

import (
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/summerwind/h2spec/config"
	"github.com/summerwind/h2spec/generic"
	"github.com/summerwind/h2spec/hpack"
	"github.com/summerwind/h2spec/http2"
	"github.com/summerwind/h2spec/spec"
)

// known are what net/http does otherwise: it closes a connection with two window sizes in one
// SETTINGS frame, and answers connection-specific fields with 400 instead of an error of the
// protocol.
var known = []string{"http2/6.5.3/1", "http2/8.1.2.2/1", "http2/8.1.2.2/2"}

// h2spec, strictly: HTTP/2 as RFC 7540 and RFC 7541 have it.
func TestH2Spec(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	files := h.leaf("h2.test").Write(t, h.Dir, "h2")
	// It reads a request to its end before it answers: some of the tests are about what must not
	// be answered.
	upstream := serve(t, func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		time.Sleep(20 * time.Millisecond)
		_, _ = io.WriteString(w, strings.Repeat("hello ", 100))
	})
	h.siteText(fmt.Sprintf("h2.test, 127.0.0.1 {\n\ttls %s %s\n\treverse_proxy %s\n}\n", files.Cert, files.Key, strings.TrimPrefix(upstream, "http://")))
	h.start("default_sni h2.test", "")
	c := &config.Config{
		Host: "127.0.0.1", Port: h.HTTPS, Path: "/", Timeout: 2 * time.Second, MaxHeaderLen: 4000, Strict: true, TLS: true, Insecure: true,
	}
	var failed []string
	passed := 0
	for _, group := range []*spec.TestGroup{generic.Spec(), http2.Spec(), hpack.Spec()} {
		group.Test(c)
		walk(group, func(id string, result *spec.TestResult) {
			switch {
			case result.Failed && !slices.Contains(known, id):
				failed = append(failed, fmt.Sprintf("%s: %s: %v", id, result.TestCase.Desc, result.Error))
			case !result.Failed && !result.Skipped:
				passed++
			}
		})
	}
	if len(failed) > 0 || passed < 140 {
		t.Errorf("h2spec: %d passed, these failed:\n%s", passed, strings.Join(failed, "\n"))
	}
}

// walk gives the results of a group and of those below it.
func walk(group *spec.TestGroup, each func(id string, result *spec.TestResult)) {
	for i, test := range slices.Concat(group.Tests, group.StrictTests) {
		if test.Result != nil {
			each(fmt.Sprintf("%s/%d", group.ID(), i+1), test.Result)
		}
	}
	for _, below := range group.Groups {
		walk(below, each)
	}
}
