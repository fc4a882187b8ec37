package tlspolicy

import (
	"bytes"
	"crypto/tls"
	"slices"
)

// ticketLabel begins our entry among the extras of a session; others may have theirs.
const ticketLabel = "dwaar policy v1:"

// guardTickets lets only sessions that were made under p be resumed under p: a ticket of
// another site, or of this one before its CAs changed, ends in a full handshake. Where nobody
// else keeps the keys of tickets, there are none.
func (p *Policy) guardTickets(config *tls.Config) {
	wrap, unwrap := config.WrapSession, config.UnwrapSession
	if wrap == nil || unwrap == nil {
		config.SessionTicketsDisabled = true
		return
	}
	mark := append([]byte(ticketLabel), p.id[:]...)
	config.WrapSession = func(cs tls.ConnectionState, session *tls.SessionState) ([]byte, error) {
		session.Extra = append(session.Extra, mark)
		return wrap(cs, session)
	}
	config.UnwrapSession = func(ticket []byte, cs tls.ConnectionState) (*tls.SessionState, error) {
		session, err := unwrap(ticket, cs)
		if session == nil || err != nil {
			return nil, err
		}
		if !slices.ContainsFunc(session.Extra, func(extra []byte) bool { return bytes.Equal(extra, mark) }) {
			return nil, nil
		}
		return session, nil
	}
}
