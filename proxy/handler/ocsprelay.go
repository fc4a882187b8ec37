package handler

import "net/http"

// OCSPRelay hands requests to an OCSP relay, which belongs to whoever runs the
// server.
type OCSPRelay struct {
	// Relay is its number in the configuration.
	Relay int `json:"relay"`
}

// Name implements [Directive].
func (OCSPRelay) Name() string { return "ocsp_relay" }

// Compile implements [Directive].
func (c OCSPRelay) Compile(env *Env) (Middleware, error) {
	if env.OCSPRelay == nil {
		return answersOCSP(env, c, nil)
	}
	return answersOCSP(env, c, func() (http.Handler, error) { return env.OCSPRelay(c.Relay) })
}
