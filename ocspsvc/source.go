package ocspsvc

import "context"

// Source can answer a wire request: a signer over records, a relay, a fake.
//
// Respond returns the whole response, to be sent on exactly as its Raw bytes;
// that may be one of the unsigned errors. An error means that there is no
// answer to pass on: ErrNotOurs for a foreign issuer, the context's error when
// it ended first, anything else for trouble inside.
type Source interface {
	Respond(ctx context.Context, req *Request) (*Response, error)
}
