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
	if order, err := p.db.GetOrderByIssuedSerial(hex.EncodeToString(der)); err == nil {
		seen(order)
		return
	}
	if len(der) < 2 || der[0] != 0 {
		return
	}
	asked, known := hex.EncodeToString(der), hex.EncodeToString(der[1:])
	order, err := p.db.GetOrderByIssuedSerial(known)
	if err != nil {
		return
	}
	_ = p.db.AddOrderByIssuedSerial(&core.Order{
		ID: order.ID, Order: order.Order, AccountID: order.AccountID, CertificateObject: &core.Certificate{ID: asked},
	})
}

// seen makes what Pebble has written to an order visible to who reads it next: it marks what is
// replaced under the order's lock, and looks without.
func seen(order *core.Order) {
	order.Lock()
	defer order.Unlock()
}
