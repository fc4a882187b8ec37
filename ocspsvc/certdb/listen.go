package certdb

import (
	"context"
	"crypto/x509"
	"database/sql/driver"
	"encoding/hex"
	"fmt"
	"math/big"
	"strings"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/stdlib"

	"dwaar/ocspsvc/responder"
)

// listener is a DB in PostgreSQL, which tells of changes.
type listener struct {
	*DB
	issuers []*x509.Certificate
}

// Watch listens on a connection of its own. What happened before it did so is
// not told, so it begins with a change of everything.
func (l *listener) Watch(ctx context.Context, changed func(responder.IssuerID, *big.Int)) error {
	conn, err := l.read.Conn(ctx)
	if err != nil {
		return err
	}
	defer conn.Close()
	var ended error
	_ = conn.Raw(func(raw any) error {
		ended = l.listen(ctx, raw.(*stdlib.Conn).Conn(), changed)
		return driver.ErrBadConn // it listens, and is not to be used for anything else
	})
	return ended
}

func (l *listener) listen(ctx context.Context, conn *pgx.Conn, changed func(responder.IssuerID, *big.Int)) error {
	if _, err := conn.Exec(ctx, "LISTEN "+channel); err != nil {
		return err
	}
	l.all(changed)
	for {
		n, err := conn.WaitForNotification(ctx)
		if err != nil {
			return err
		}
		if issuer, serial, err := readNotice(n.Payload); err == nil {
			changed(issuer, serial)
		} else {
			l.all(changed)
		}
	}
}

func (l *listener) all(changed func(responder.IssuerID, *big.Int)) {
	for _, issuer := range l.issuers {
		changed(responder.IssuerIDOf(issuer), nil)
	}
}

// readNotice reads the issuer's fingerprint and the serial, in hex. A notice
// without them is about many.
func readNotice(text string) (issuer responder.IssuerID, serial *big.Int, err error) {
	fingerprint, digits, _ := strings.Cut(text, " ")
	octets, err := hex.DecodeString(fingerprint)
	if err != nil || len(octets) != len(issuer) {
		return issuer, nil, fmt.Errorf("not a notice about one certificate: %.80q", text)
	}
	copy(issuer[:], octets)
	serial, err = ParseSerial(digits)
	return issuer, serial, err
}
