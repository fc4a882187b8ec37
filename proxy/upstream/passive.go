package upstream

import (
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"
)

// PassiveHealth judges upstreams by what becomes of requests.
type PassiveHealth struct {
	// FailDuration is how long a failure counts. Zero: failures do not count.
	FailDuration time.Duration `json:"fail_duration,omitempty"`
	// MaxFails is how many failures that count put an upstream out of use,
	// until one of them is forgotten. Zero means 1.
	MaxFails int `json:"max_fails,omitempty"`
	// UnhealthyStatus are statuses of responses that are failures: 500, or 5
	// for all from 500 to 599.
	UnhealthyStatus []int `json:"unhealthy_status,omitempty"`
	// UnhealthyLatency is how long the header of a response may take before
	// that is a failure. Zero: as long as it takes.
	UnhealthyLatency time.Duration `json:"unhealthy_latency,omitempty"`
	// UnhealthyRequestCount is how many requests may be under way at one
	// upstream. Zero: any number.
	UnhealthyRequestCount int `json:"unhealthy_request_count,omitempty"`
}

const mostFails = 10_000

// Check reports everything that is wrong with p.
func (p *PassiveHealth) Check() error {
	if p == nil {
		return nil
	}
	var problems []error
	refuse := func(format string, args ...any) {
		problems = append(problems, fmt.Errorf("reverse_proxy: "+format, args...))
	}
	if p.FailDuration < 0 || p.UnhealthyLatency < 0 {
		refuse("fail_duration and unhealthy_latency cannot be negative")
	}
	if p.MaxFails < 0 || p.MaxFails > mostFails {
		refuse("max_fails: %d is not a number from 1 to %d", p.MaxFails, mostFails)
	}
	if p.UnhealthyRequestCount < 0 {
		refuse("unhealthy_request_count: %d is negative", p.UnhealthyRequestCount)
	}
	if p.FailDuration == 0 {
		for name, set := range p.needy() {
			if set {
				refuse("%s counts only with fail_duration", name)
			}
		}
	}
	for _, status := range p.UnhealthyStatus {
		if !isStatusOrClass(status) {
			refuse("unhealthy_status: %d is not a status", status)
		}
	}
	return errors.Join(problems...)
}

// needy yields the options that mean nothing while failures do not count.
func (p *PassiveHealth) needy() func(func(string, bool) bool) {
	return func(yield func(string, bool) bool) {
		_ = yield("max_fails", p.MaxFails != 0) &&
			yield("unhealthy_status", len(p.UnhealthyStatus) > 0) &&
			yield("unhealthy_latency", p.UnhealthyLatency != 0)
	}
}

// isStatusOrClass allows 100 to 599, and 1 to 5 for the hundreds of them.
func isStatusOrClass(status int) bool {
	return 1 <= status && status <= 5 || 100 <= status && status <= 599
}

// matchesStatus reports whether status is wanted, or of the wanted class.
func matchesStatus(status, wanted int) bool { return status == wanted || status/100 == wanted }

// unhealthy reports whether a response with this status, after this time, is
// a failure.
func (p *PassiveHealth) unhealthy(status int, took time.Duration) bool {
	if p.UnhealthyLatency > 0 && took >= p.UnhealthyLatency {
		return true
	}
	for _, wanted := range p.UnhealthyStatus {
		if matchesStatus(status, wanted) {
			return true
		}
	}
	return false
}

// window counts failures, each for as long as it is remembered. It needs no
// timer: the upstream is out of use until the oldest of the last len(times)
// failures is forgotten.
type window struct {
	expiry time.Duration
	down   deadline
	out    atomic.Bool // it was said that the upstream is down, and not yet that it is up again

	mu    sync.Mutex  // guards the rest
	times []time.Time // when the last failures will be forgotten, a ring
	next  int
}

// fail counts one failure and reports whether the upstream is down now.
func (w *window) fail() (down bool) {
	now := time.Now()
	w.mu.Lock()
	defer w.mu.Unlock()
	w.times[w.next] = now.Add(w.expiry)
	w.next = (w.next + 1) % len(w.times)
	oldest := w.times[w.next]
	if !oldest.After(now) {
		return false
	}
	w.down.set(oldest)
	return true
}
