package handler

import (
	"cmp"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"strconv"
	"time"

	"dwaar/proxy/kept"
	"dwaar/proxy/placeholder"
	"dwaar/proxy/ratelimit"
	"dwaar/proxy/request"
)

// RateLimit refuses who asks too often, with a 429 that says when to come
// again. Every zone must allow a request; a reload that leaves a zone as it was
// leaves its counts.
type RateLimit struct {
	Zones []ratelimit.Zone `json:"zones"`
}

// Name implements [Directive].
func (RateLimit) Name() string { return "rate_limit" }

// Compile implements [Directive].
func (c RateLimit) Compile(env *Env) (Middleware, error) {
	if len(c.Zones) == 0 {
		return nil, errors.New("rate_limit: there is no zone")
	}
	var problems []error
	limits := &rateLimits{log: env.Log}
	for _, zone := range c.Zones {
		key, err := placeholder.Compile(zone.Key)
		if err = errors.Join(zone.Check(), err); err != nil {
			problems = append(problems, fmt.Errorf("rate_limit: zone %s: %w", zone.Name, err))
			continue
		}
		limiter := kept.Take(env.Kept, zone, func() *ratelimit.Limiter { return ratelimit.New(zone) })
		limits.zones = append(limits.zones, rateLimit{name: zone.Name, maxKeys: cmp.Or(zone.MaxKeys, ratelimit.DefaultMaxKeys), key: key, byClient: isClient(zone.Key), limiter: limiter})
	}
	if len(problems) > 0 {
		return nil, errors.Join(problems...)
	}
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { limits.serve(w, r, next) })
	}, nil
}

// isClient spares the common key the way over a text.
func isClient(key string) bool { return key == "{client_ip}" || key == "{http.vars.client_ip}" }

type rateLimits struct {
	zones []rateLimit
	log   *slog.Logger
}

type rateLimit struct {
	name     string
	maxKeys  int
	key      placeholder.Text
	byClient bool
	limiter  *ratelimit.Limiter
}

var errTooMany = errors.New("too many requests")

func (h *rateLimits) serve(w http.ResponseWriter, r *http.Request, next http.Handler) {
	for i := range h.zones {
		verdict := h.zones[i].count(r)
		if verdict.Crowded {
			h.log.Warn("a rate limit has more keys than it can keep, and forgets some that have events",
				"zone", h.zones[i].name, "max_keys", h.zones[i].maxKeys)
		}
		if !verdict.Allowed {
			w.Header().Set("Retry-After", strconv.FormatInt(int64((verdict.Wait+time.Second-1)/time.Second), 10))
			Fail(w, r, http.StatusTooManyRequests, errTooMany)
			return
		}
	}
	next.ServeHTTP(w, r)
}

func (l *rateLimit) count(r *http.Request) ratelimit.Verdict {
	if l.byClient {
		return l.limiter.Address(request.Of(r).ClientIP)
	}
	return l.limiter.Text(l.key.Expand(r))
}
