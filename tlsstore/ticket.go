package tlsstore

import (
	"bytes"
	"crypto/tls"
	"slices"
)

// ticketLabel begins our entry among the extras of a session; others may have theirs.
const ticketLabel = "dwaar leaf v1:"

// wrap is tls.Config.WrapSession: the ticket remembers which leaf, asked for by which name,
// the session was authenticated with. Keys are the store's, so that a ticket of one listener
// or from before a reload is still good.
func (h *handshake) wrap(cs tls.ConnectionState, session *tls.SessionState) ([]byte, error) {
	session.Extra = append(session.Extra, h.mark())
	return h.store.tickets.EncryptTicket(cs, session)
}

// unwrap is tls.Config.UnwrapSession. It accepts a ticket only for the leaf this handshake
// would show, so that one of a replaced or revoked certificate ends in a full handshake, and
// only for the same name (RFC 6066 §3).
func (h *handshake) unwrap(ticket []byte, cs tls.ConnectionState) (*tls.SessionState, error) {
	session, err := h.store.tickets.DecryptTicket(ticket, cs)
	if session == nil || err != nil {
		return nil, err
	}
	mark := h.mark()
	if !slices.ContainsFunc(session.Extra, func(extra []byte) bool { return bytes.Equal(extra, mark) }) {
		return nil, nil
	}
	return session, nil
}

func (h *handshake) mark() []byte {
	return slices.Concat([]byte(ticketLabel), h.entry.pair.Fingerprint[:], []byte(h.name))
}
