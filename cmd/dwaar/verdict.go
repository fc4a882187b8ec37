package main

import "dwaar/ocspsvc"

// fact is a line of a verdict for people that is not in its JSON form.
type fact struct{ name, value string }

// verdict prints v and returns what the exit code follows from: nil only for a
// valid good, why it was refused for others.
func (a *app) verdict(v ocspsvc.Verdict, why error, asJSON bool, facts ...fact) error {
	if err := a.printVerdict(v, why, asJSON, facts); err != nil {
		return err
	}
	if why != nil {
		return why
	}
	if v.Status != ocspsvc.Good {
		return errTold
	}
	return nil
}

func (a *app) printVerdict(v ocspsvc.Verdict, why error, asJSON bool, facts []fact) error {
	if asJSON {
		return a.json(v)
	}
	t := newTable(a.stdout)
	for _, f := range facts {
		t.row(f.name, f.value)
	}
	t.row("valid", yesNo(v.Valid()))
	t.row("status", orDash(v.Status.String()))
	t.row("reason", string(v.Reason))
	t.row("", advice(why, v.Reason.Explain()))
	t.row("this update", when(v.ThisUpdate))
	t.row("next update", when(v.NextUpdate))
	t.row("produced at", when(v.ProducedAt))
	if v.Status == ocspsvc.Revoked {
		t.row("revoked at", when(v.RevokedAt))
		t.row("revocation reason", v.RevocationReason.String())
	}
	t.row("responder", orDash(v.Responder))
	return t.flush()
}

// because makes a refusal of dwaar's own, with its reason word.
func because(reason ocspsvc.Reason, err error) error {
	return &ocspsvc.Error{Reason: reason, Err: err}
}
