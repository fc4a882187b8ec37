package dns

import (
	"context"
	"fmt"
	"time"

	"github.com/miekg/dns"
)

// exchanger asks one server.
type exchanger struct {
	address string
	timeout time.Duration
	key     *tsigKey // nil: not signed
}

// tsigKey is a shared key (RFC 8945).
type tsigKey struct{ name, algorithm, secret string }

// fudge is how far clocks may be apart (RFC 8945 §10).
const fudge = 300 * time.Second

// refused is the error of an answer that says no.
func (e exchanger) refused(answer *dns.Msg) error {
	return &refusal{fmt.Errorf("%s answers %s", e.address, dns.RcodeToString[answer.Rcode])}
}

// exchange asks by UDP for half the time, and by TCP if there was no answer, a truncated one,
// or one that is not the server's: UDP is easily forged. To ask twice does no harm, as
// updates add what must be there and remove what must not.
func (e exchanger) exchange(ctx context.Context, m *dns.Msg) (*dns.Msg, error) {
	ctx, cancel := context.WithTimeout(ctx, e.timeout)
	defer cancel()
	answer, err := e.over(ctx, "udp", e.timeout/2, m)
	if err == nil && !answer.Truncated {
		return answer, nil
	}
	if ctx.Err() != nil {
		return nil, fmt.Errorf("asking %s: %w", e.address, context.Cause(ctx))
	}
	answer, errTCP := e.over(ctx, "tcp", e.timeout, m)
	switch {
	case errTCP == nil:
		return answer, nil
	case err == nil:
		return nil, fmt.Errorf("asking %s: %w", e.address, errTCP)
	}
	return nil, fmt.Errorf("asking %s: %w; %w", e.address, err, errTCP)
}

// over asks by one network and gives up after timeout.
func (e exchanger) over(ctx context.Context, network string, timeout time.Duration, m *dns.Msg) (*dns.Msg, error) {
	ctx, cancel := context.WithTimeoutCause(ctx, timeout, fmt.Errorf("no answer within %v", timeout))
	defer cancel()
	answer, err := e.once(ctx, network, m)
	if err != nil && ctx.Err() != nil {
		err = context.Cause(ctx)
	}
	if err == nil {
		err = e.verify(answer)
	}
	if err != nil {
		return nil, fmt.Errorf("%s: %w", network, err)
	}
	return answer, nil
}

func (e exchanger) once(ctx context.Context, network string, m *dns.Msg) (*dns.Msg, error) {
	client := &dns.Client{Net: network, Timeout: e.timeout}
	conn, err := client.DialContext(ctx, e.address)
	if err != nil {
		return nil, err
	}
	defer conn.Close()
	defer context.AfterFunc(ctx, func() { _ = conn.Close() })() // ends a read
	question := m.Copy()
	question.Id = dns.Id()
	if e.key != nil {
		client.TsigSecret = map[string]string{e.key.name: e.key.secret}
		question.SetTsig(e.key.name, e.key.algorithm, uint16(fudge/time.Second), time.Now().Unix())
	}
	answer, _, err := client.ExchangeWithConnContext(ctx, question, conn)
	if answer != nil && answer.Rcode == dns.RcodeNotAuth {
		return nil, e.notAuth(answer)
	}
	return answer, err
}

// notAuth is for the answer that dns.Client takes for a bad signature whatever it is about:
// the zone is not the server's (RFC 2136 §2.2), or the question's signature was wrong. In
// that case the answer has none itself (RFC 8945 §5.3.2).
func (e exchanger) notAuth(answer *dns.Msg) error {
	if tsig := answer.IsTsig(); e.key != nil && tsig != nil && tsig.Error != dns.RcodeSuccess {
		return &refusal{fmt.Errorf("TSIG key %s: %s", e.key.name, dns.RcodeToString[int(tsig.Error)])}
	}
	return &refusal{fmt.Errorf("answers %s", dns.RcodeToString[answer.Rcode])}
}

// verify refuses an answer that is not signed as the question was; a signature that is there
// has been checked with reading it.
func (e exchanger) verify(answer *dns.Msg) error {
	if e.key != nil && answer.IsTsig() == nil {
		return fmt.Errorf("the answer (%s) is not signed", dns.RcodeToString[answer.Rcode])
	}
	return nil
}
