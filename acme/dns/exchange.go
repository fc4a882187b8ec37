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
		return nil, fmt.Errorf("asking %s: %w", e.address, ctx.Err())
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

func (e exchanger) over(ctx context.Context, network string, timeout time.Duration, m *dns.Msg) (*dns.Msg, error) {
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	client := &dns.Client{Net: network, Timeout: timeout}
	conn, err := client.DialContext(ctx, e.address)
	if err != nil {
		return nil, err
	}
	defer conn.Close()
	defer context.AfterFunc(ctx, func() { _ = conn.Close() })() // ends a read when ctx ends early
	question := m.Copy()
	question.Id = dns.Id()
	if e.key != nil {
		client.TsigSecret = map[string]string{e.key.name: e.key.secret}
		question.SetTsig(e.key.name, e.key.algorithm, uint16(fudge/time.Second), time.Now().Unix())
	}
	answer, _, err := client.ExchangeWithConnContext(ctx, question, conn)
	return e.verified(network, answer, err)
}

// verified refuses an answer that is not signed as the question was. One that tells what was
// wrong with the question's signature has none itself (RFC 8945 §5.3.2).
func (e exchanger) verified(network string, answer *dns.Msg, err error) (*dns.Msg, error) {
	var tsig *dns.TSIG
	if answer != nil && e.key != nil {
		tsig = answer.IsTsig()
	}
	switch {
	case tsig != nil && tsig.Error != dns.RcodeSuccess:
		return nil, &refusal{fmt.Errorf("%s: TSIG key %s: %s", network, e.key.name, dns.RcodeToString[int(tsig.Error)])}
	case err != nil:
		return nil, fmt.Errorf("%s: %w", network, err)
	case e.key != nil && tsig == nil:
		return nil, fmt.Errorf("%s: the answer (%s) is not signed", network, dns.RcodeToString[answer.Rcode])
	}
	return answer, nil
}
