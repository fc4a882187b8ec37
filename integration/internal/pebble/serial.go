package pebble

import (
	"encoding/base64"
	"encoding/hex"
	"strings"

	"github.com/letsencrypt/pebble/v2/core"
)

// knowAs lets Pebble find what an order says that it replaces (RFC 9773 §5). It remembers
// certificates by their number, and looks for the octets of the number's DER: those differ
// where these begin with a zero because the number's first bit is set, one time in 512.
func (p *Pebble) knowAs(replaces string) {
	_, text, _ := strings.Cut(replaces, ".")
	der, _ := base64.RawURLEncoding.DecodeString(text)
	if len(der) < 2 || der[0] != 0 {
		return
	}
	asked, known := hex.EncodeToString(der), hex.EncodeToString(der[1:])
	if _, err := p.db.GetOrderByIssuedSerial(asked); err == nil {
		return
	}
	order, err := p.db.GetOrderByIssuedSerial(known)
	if err != nil {
		return
	}
	_ = p.db.AddOrderByIssuedSerial(&core.Order{
		ID: order.ID, Order: order.Order, AccountID: order.AccountID, CertificateObject: &core.Certificate{ID: asked},
	})
}
