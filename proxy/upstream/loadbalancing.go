package upstream

import (
	"errors"
	"fmt"
	"time"

	"dwaar/proxy/match"
)

// LoadBalancing says which upstream gets a request, and when it is sent again.
type LoadBalancing struct {
	// Policy chooses among the upstreams. Nil: they take turns.
	Policy *Policy `json:"policy,omitempty"`
	// Retries is how often a request that failed is tried again. Zero: only
	// TryDuration says so.
	Retries int `json:"retries,omitempty"`
	// TryDuration is how long after its arrival a request may be tried again,
	// or wait for an upstream to come up. Zero: only Retries says so.
	TryDuration time.Duration `json:"try_duration,omitempty"`
	// TryInterval is how long to wait before an upstream is tried once more.
	// One that has not been tried yet is tried at once. Zero means 250 ms with
	// a TryDuration and the least there is, 10 ms, without; negative the least.
	TryInterval time.Duration `json:"try_interval,omitempty"`
	// RetryMatch are the requests that may be sent again although an upstream
	// may have had them: those that any of it matches. Empty: those with an
	// idempotent method. In no case is a request repeated whose body was read.
	RetryMatch []match.Set `json:"retry_match,omitempty"`
}

const (
	defaultTryInterval = 250 * time.Millisecond
	leastTryInterval   = 10 * time.Millisecond
	mostRetries        = 1000
)

// Check reports everything that is wrong with l, its policy excepted.
func (l *LoadBalancing) Check() error {
	if l == nil {
		return nil
	}
	var problems []error
	refuse := func(format string, args ...any) {
		problems = append(problems, fmt.Errorf("reverse_proxy: "+format, args...))
	}
	if l.Retries < 0 || l.Retries > mostRetries {
		refuse("lb_retries: %d is not a number from 0 to %d", l.Retries, mostRetries)
	}
	if l.TryDuration < 0 {
		refuse("lb_try_duration: %v is negative", l.TryDuration)
	}
	if l.Retries == 0 && l.TryDuration == 0 {
		if l.TryInterval != 0 {
			refuse("lb_try_interval means nothing without lb_retries or lb_try_duration")
		}
		if len(l.RetryMatch) > 0 {
			refuse("lb_retry_match means nothing without lb_retries or lb_try_duration")
		}
	}
	return errors.Join(problems...)
}

// retries are the compiled rules for trying again.
type retries struct {
	most     int           // 0: any number within the time
	duration time.Duration // 0: any time within the number
	interval time.Duration
	match    []*match.Matcher // empty: idempotent methods
}

func (l *LoadBalancing) retries() (r retries, err error) {
	if l == nil {
		return r, nil
	}
	r = retries{most: l.Retries, duration: l.TryDuration, interval: l.TryInterval}
	if r.interval == 0 && r.duration > 0 {
		r.interval = defaultTryInterval
	}
	r.interval = max(r.interval, leastTryInterval)
	for _, set := range l.RetryMatch {
		matcher, err := set.Compile()
		if err != nil {
			return r, fmt.Errorf("reverse_proxy: lb_retry_match: %w", err)
		}
		r.match = append(r.match, matcher)
	}
	return r, nil
}

// on reports whether requests may be tried again at all.
func (r *retries) on() bool { return r.most > 0 || r.duration > 0 }
