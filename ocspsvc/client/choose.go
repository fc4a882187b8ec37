package client

import "net/http"

// start is the variant for the next address of t: what the last address
// suggested, what the responder liked before, or what is preferred anyway.
func (f *fetching) start(t *target) variant {
	suggested := t.variant
	t.variant = variant{}
	for _, v := range []variant{suggested, f.client.recall(f.subject.habits + t.raw)} {
		if v != (variant{}) && f.possible(t, v) {
			return v
		}
	}
	return f.preferred(t)
}

// preferred is the variant without any experience.
func (f *fetching) preferred(t *target) variant {
	v := variant{method: http.MethodGet, hash: f.subject.first}
	if !f.possible(t, v) {
		return v.otherMethod()
	}
	return v
}

// alternative is the best variant to follow v, which brought err.
func (f *fetching) alternative(t *target, v variant, err error, tried map[variant]bool) (variant, bool) {
	for _, next := range v.alternatives(err) {
		if tried[next] || !f.possible(t, next) || next.fresh && t.refreshed {
			continue
		}
		t.refreshed = t.refreshed || next.fresh
		return next, true
	}
	return variant{}, false
}

// possible reports whether t can be asked in variant v.
func (f *fetching) possible(t *target, v variant) bool {
	request := f.subject.requests[v.hash]
	return request != nil && (v.method == http.MethodPost || !f.subject.postOnly && getURL(t.url, request) != "")
}

// question is the request to t in variant v.
func (f *fetching) question(t *target, v variant) question {
	q := question{url: t.url.String(), accept: responseType, body: f.subject.requests[v.hash], fresh: v.fresh}
	if v.method == http.MethodGet {
		q.url, q.body = getURL(t.url, q.body), nil
	}
	return q
}
