package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"time"

	"dwaar/ocspsvc"
	"dwaar/proxy/admin"
)

type statusCmd struct {
	adminFlags
	JSON  bool `help:"Print JSON; with --watch one object a line."`
	Watch bool `short:"w" help:"Draw again each second until Ctrl-C."`
}

func (statusCmd) Help() string {
	return `The column STAPLE says fresh (stapled now), stale (kept, but not served any more) or none. REASON says why; dwaar certs show NAME explains it.`
}

func (c statusCmd) Run(a *app) error {
	client, err := c.client()
	if err != nil {
		return err
	}
	s, err := client.Status(context.Background())
	if err != nil {
		return err
	}
	if c.Watch {
		return c.watch(a, client, s)
	}
	if c.JSON {
		return a.json(s)
	}
	return drawStatus(a.stdout, s)
}

// watch goes on while dwaar is away: a restart is what one wants to watch.
func (c statusCmd) watch(a *app, client *admin.Client, s admin.Status) error {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	var err error
	for {
		if werr := c.frame(a.stdout, s, err); werr != nil {
			return werr
		}
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
		if s, err = client.Status(ctx); ctx.Err() != nil {
			return nil
		}
	}
}

func (c statusCmd) frame(w io.Writer, s admin.Status, err error) error {
	if c.JSON {
		if err != nil {
			return nil
		}
		return json.NewEncoder(w).Encode(s)
	}
	if isTerminal(w) {
		fmt.Fprint(w, "\x1b[H\x1b[2J") // home, clear
	}
	if err != nil {
		_, werr := fmt.Fprintf(w, "%s  %s\n\n", when(time.Now()), printable(err.Error()))
		return werr
	}
	fmt.Fprintf(w, "%s\n", when(time.Now()))
	if err := drawStatus(w, s); err != nil {
		return err
	}
	_, werr := fmt.Fprintln(w)
	return werr
}

func drawStatus(w io.Writer, s admin.Status) error {
	state := "ready"
	if !s.Ready {
		state = "not ready"
	}
	fmt.Fprintf(w, "dwaar %s, %s since %s\n", s.Version, state, when(s.Started))
	fmt.Fprintf(w, "config %s, listening on %s\n", s.Config, orDash(strings.Join(s.Listeners, " ")))
	if r := s.LastReload; r != nil {
		fmt.Fprintf(w, "last reload %s: %s\n", when(r.At), reloadOutcome(r.Error))
	}
	drawStorage(w, s.Storage)
	fmt.Fprintln(w)
	t := newTable(w, "NAMES", "SOURCE", "NOT AFTER", "STAPLE", "REASON", "NEXT UPDATE", "LAST ERROR")
	for _, c := range s.Certificates {
		t.row(names(c.Names), c.Source, when(c.NotAfter), stapleState(c), c.Staple.Reason, when(c.Staple.NextUpdate), orDash(lastError(c)))
	}
	if err := t.flush(); err != nil {
		return err
	}
	if err := drawResponders(w, s.Responders); err != nil {
		return err
	}
	return drawRelays(w, s.Relays)
}

// drawStorage says whether the nodes of a cluster hear of each other.
func drawStorage(w io.Writer, s *admin.Storage) {
	if s == nil {
		return
	}
	line := fmt.Sprintf("storage %s, %s since %s", s.Address, s.State, when(s.Since))
	if s.Error != "" {
		line += ": " + s.Error
	}
	fmt.Fprintln(w, printable(line))
	if s.Owed > 0 {
		fmt.Fprintf(w, "answers that the storage gets when it is up: %d\n", s.Owed)
	}
	if s.CopyError != "" {
		fmt.Fprintln(w, printable("the copy of the storage is not written: "+s.CopyError))
	}
}

// drawResponders has a line for each CA that is answered for.
func drawResponders(w io.Writer, all []admin.Responder) error {
	if len(all) == 0 {
		return nil
	}
	fmt.Fprintln(w)
	t := newTable(w, "OCSP RESPONDER", "STATE", "DATABASE", "SIGNER", "SIGNER ENDS", "LAST ERROR")
	for _, r := range all {
		state := "ready"
		if !r.Ready {
			state = "not ready"
		}
		for _, s := range r.Signers {
			t.row(s.Issuer, state, r.Database, s.Signer, when(s.NotAfter)+ending(s.State), orDash(r.Error))
		}
	}
	return t.flush()
}

// drawRelays has a line for each CA that is relayed for.
func drawRelays(w io.Writer, all []admin.Relay) error {
	if len(all) == 0 {
		return nil
	}
	fmt.Fprintln(w)
	t := newTable(w, "OCSP RELAY", "STATE", "RESPONDERS", "ANSWERS", "LAST ERROR")
	for _, r := range all {
		answers := fmt.Sprintf("%d + %d asked for", r.Prefetched, r.Asked)
		for _, i := range r.Issuers {
			state := "up"
			if i.Error != "" {
				state = "down"
				if i.Since != nil {
					state += " since " + when(*i.Since)
				}
			}
			t.row(i.Issuer, state, orDash(strings.Join(i.Responders, " ")), answers, orDash(i.Error))
		}
	}
	return t.flush()
}

// ending marks what a person has to renew.
func ending(state string) string {
	switch state {
	case "ending":
		return " (soon!)"
	case "ended":
		return " (over!)"
	}
	return ""
}

// lastError is what is most worth knowing: that there is no other certificate,
// or else that nobody says whether this one is revoked.
func lastError(c admin.Certificate) string {
	switch {
	case c.ACME != nil && c.ACME.LastError != "":
		return c.ACME.LastError
	case c.CRL != nil && c.CRL.LastError != "":
		return c.CRL.LastError
	}
	switch ocspsvc.Reason(c.Staple.Reason) {
	case ocspsvc.ReasonNoResponder, ocspsvc.ReasonSelfSigned, ocspsvc.ReasonDisabled:
		return "" // how most certificates are (S12): the reason is said, and nothing is to be done
	}
	return c.Staple.LastError
}

// stapleState marks the certificates that clients refuse without one (S13).
func stapleState(c admin.Certificate) string {
	if c.Alarm {
		return c.Staple.State + " (must-staple!)"
	}
	return c.Staple.State
}

func reloadOutcome(problem string) string {
	if problem == "" {
		return "done"
	}
	return "refused: " + printable(problem)
}

func isTerminal(w io.Writer) bool {
	f, ok := w.(*os.File)
	if !ok {
		return false
	}
	info, err := f.Stat()
	return err == nil && info.Mode()&os.ModeCharDevice != 0
}
