package pebble

import (
	"encoding/base64"
	"testing"

	"github.com/letsencrypt/pebble/v2/core"
)

func TestSerialNumberWhoseDERBeginsWithZeroIsFound(t *testing.T) {
	p := Start(t, Config{})
	order := &core.Order{AccountID: "1", CertificateObject: &core.Certificate{ID: "89d3"}}
	if err := p.db.AddOrderByIssuedSerial(order); err != nil {
		t.Fatal(err)
	}
	p.knowAs("AQID." + base64.RawURLEncoding.EncodeToString([]byte{0, 0x89, 0xd3}))
	found, err := p.db.GetOrderByIssuedSerial("0089d3")
	if err != nil || found.AccountID != "1" {
		t.Errorf("order = %+v, %v; want the one of serial 89d3", found, err)
	}
}
