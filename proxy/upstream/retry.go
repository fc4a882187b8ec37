package upstream

import (
	"cmp"
	"errors"
	"net/http"
	"time"
)

// errNoUpstream is for requests that no upstream takes: all of them are down,
// or have as many requests as they may have.
var errNoUpstream = errors.New("no upstream is available")

// passOverFor bounds how long a request looks for an upstream that can be
// reached, where no lb_try_duration does.
const passOverFor = 10 * time.Second

// repeatable reports whether r may be sent to another upstream although one
// may have acted on it. Its method must be idempotent (RFC 9110 §9.2.2), or
// the operator must have said that it may.
func (rules *retries) repeatable(r *http.Request) bool {
	if len(rules.match) == 0 {
		return idempotent(r.Method)
	}
	for _, m := range rules.match {
		if m.Match(r) {
			return true
		}
	}
	return false
}

func idempotent(method string) bool {
	switch method {
	case http.MethodGet, http.MethodHead, http.MethodOptions, http.MethodTrace, http.MethodPut, http.MethodDelete:
		return true
	}
	return false
}

// first is a server that the turn has not tried. It is asked at once; that is a
// retry only if an upstream may have had the request before.
func (t *turn) first() *server {
	rules := &t.balancer.retries
	switch {
	case t.err == nil:
	case t.unsent && time.Since(t.begun) >= cmp.Or(rules.duration, passOverFor):
		return nil
	case !t.unsent && !t.left():
		return nil
	}
	s := t.balancer.choose(t, rankUntried)
	if s != nil && t.err != nil && !t.unsent {
		t.retried++
	}
	return s
}

// later waits, and takes any server then, if there is one. goOn is false when
// the request has been tried often or long enough, or the client has left.
func (t *turn) later() (s *server, goOn bool) {
	rules := &t.balancer.retries
	if !t.left() {
		return nil, false
	}
	wait := rules.interval
	if rules.duration > 0 {
		wait = min(wait, rules.duration-time.Since(t.begun))
	}
	t.retried++
	if !t.wait(wait) {
		return nil, false
	}
	t.look()
	return t.balancer.choose(t, rankAny), true
}

// left reports whether a retry is left.
func (t *turn) left() bool {
	rules := &t.balancer.retries
	return rules.on() && (rules.most == 0 || t.retried < rules.most) &&
		(rules.duration == 0 || time.Since(t.begun) < rules.duration)
}

// wait is for the time d, unless the client leaves.
func (t *turn) wait(d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-t.request.Context().Done():
		return false
	}
}
