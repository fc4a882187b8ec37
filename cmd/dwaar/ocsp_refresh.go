package main

import (
	"context"
	"errors"
	"time"

	"dwaar/ocspsvc"
	"dwaar/proxy/admin"
)

type ocspRefreshCmd struct {
	adminFlags
	Name string `arg:"" optional:"" help:"A name, or the SHA-256 fingerprint of a certificate."`
	All  bool   `help:"Every certificate; those with neither a responder nor a CRL count as done."`
}

func (ocspRefreshCmd) Help() string {
	return `Asks the responder, and reads the CRL of a certificate that has none. Waits for the result and prints its reason word. Exit code 1 unless it is good.`
}

// Validate is called by kong: a wrong command line, not a failure.
func (c ocspRefreshCmd) Validate() error {
	if (c.Name == "") == !c.All {
		return errors.New("give either a NAME or --all")
	}
	return nil
}

func (c ocspRefreshCmd) Run(a *app) error {
	client, err := c.client()
	if err != nil {
		return err
	}
	var rows int
	var failed []admin.Refreshed
	t := newTable(a.stdout, "NAMES", "REASON", "STAPLE", "NEXT UPDATE", "ERROR")
	err = client.Refresh(context.Background(), c.Name, func(r admin.Refreshed) {
		rows++
		t.row(names(r.Names), orDash(r.Reason), r.Staple.State, when(nextUpdate(r)), orDash(r.Error))
		if !c.done(r) {
			failed = append(failed, r)
		}
	})
	if err != nil && rows == 0 {
		return err
	}
	if err := errors.Join(err, t.flush()); err != nil {
		return err
	}
	for _, r := range failed {
		a.report(errors.New(names(r.Names) + ": " + explain(r)))
	}
	if len(failed) > 0 {
		return errTold
	}
	return nil
}

// nextUpdate is that of the staple, or of the list where there is no responder.
func nextUpdate(r admin.Refreshed) time.Time {
	if r.Staple.NextUpdate.IsZero() && r.CRL != nil {
		return r.CRL.NextUpdate
	}
	return r.Staple.NextUpdate
}

// explain says what the reason means and what to do about it.
func explain(r admin.Refreshed) string {
	if r.Fingerprint == "" {
		return r.Error + ": `dwaar certs show " + names(r.Names) + "` says why"
	}
	if text := ocspsvc.Reason(r.Reason).Explain(); text != "" {
		return r.Reason + ". " + text
	}
	return "the refresh failed"
}

// done: where there is nobody to ask, asking for all leaves nothing undone.
func (c ocspRefreshCmd) done(r admin.Refreshed) bool {
	switch ocspsvc.Reason(r.Reason) {
	case ocspsvc.ReasonGood:
		return true
	case ocspsvc.ReasonDisabled, ocspsvc.ReasonNoResponder, ocspsvc.ReasonSelfSigned:
		return c.All
	}
	return false
}
