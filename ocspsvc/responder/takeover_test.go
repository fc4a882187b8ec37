package responder_test

import (
	"testing"
	"testing/synctest"
	"time"

	"dwaar/ocspsvc"
	"dwaar/ocspsvc/responder"
)

func TestAReloadKeepsAnswersIfItWouldSignTheSame(t *testing.T) { synctest.Test(t, takeOver) }

func takeOver(t *testing.T) {
	d := newDesk(t, responder.Config{})
	delegate := d.ca.Delegate(t)
	for _, test := range []struct {
		name string
		cfg  responder.Config
		keys responder.Keys
		want bool
	}{
		{"the same", responder.Config{}, d.keys, true},
		{"what is not in answers", responder.Config{Unissued: responder.UnissuedUnauthorized, Nonce: responder.NonceIgnore}, d.keys, true},
		{"another validity", responder.Config{Validity: time.Hour}, d.keys, false},
		{"another cutoff", responder.Config{ArchiveCutoff: time.Hour}, d.keys, false},
		{"another size", responder.Config{Limits: responder.Limits{CacheEntries: 7}}, d.keys, false},
		{"another signer", responder.Config{}, keysOf(d.ca.Cert, delegate.Cert, delegate.Key), false},
	} {
		d.records.down.Store(false)
		d.set(responder.Record{Status: ocspsvc.Good})
		keys := d.keys
		d.open(t, responder.Config{})
		old := d.signer
		d.ask(t)
		d.keys = test.keys
		d.open(t, test.cfg)
		d.keys = keys
		if got := d.signer.TakeOver(old); got != test.want {
			t.Errorf("%s: taken over %v, want %v", test.name, got, test.want)
		}
		d.records.down.Store(true)
		if got := d.ask(t); (got == "good") != test.want {
			t.Errorf("%s: without a database %s", test.name, got)
		}
		d.records.down.Store(false)
		d.revoke(time.Now())
		time.Sleep(time.Second)
		if got := d.ask(t); got != "revoked" {
			t.Errorf("%s: revoked, but %s", test.name, got)
		}
	}
}
