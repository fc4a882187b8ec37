package demo

import (
	"fmt"
	"io"
	"path/filepath"
	"strings"
	"time"

	"dwaar/ocspsvc"
)

func (s *setup) printSetup(w io.Writer) {
	fmt.Fprintf(w, "dwaar demo in %s\n\n", s.dir)
	if len(s.made) > 0 {
		fmt.Fprintf(w, "  made %s\n", strings.Join(s.made, ", "))
	} else {
		fmt.Fprintln(w, "  certificates and Dwaarfile of the last run are used again")
	}
	for _, line := range s.said {
		fmt.Fprintf(w, "  %s\n", line)
	}
	for _, line := range [][2]string{
		{"Dwaarfile", s.shown(dwaarfileName)},
		{"PKI", s.shown(rootFile) + " signs " + s.shown(intermediateFile) + " signs " + s.shown(chainFile)},
		{"web app", fmt.Sprintf("http://127.0.0.1:%d", s.ports.Upstream)},
		{"responder", s.responderURL() + " over the database " + s.shown(databaseFile)},
		{"proxy", fmt.Sprintf("https://localhost:%d, and http://localhost:%d redirects to it", s.ports.HTTPS, s.ports.HTTP)},
	} {
		fmt.Fprintf(w, "  %-10s %s\n", line[0], line[1])
	}
	fmt.Fprintln(w)
}

func (s *setup) printStapled(o Options, v ocspsvc.Verdict) {
	socket := QuoteShell(s.admin)
	fmt.Fprintf(o.Stdout, `The staple is in place: %s until %s, signed by %s.

See it, in another terminal:
  openssl s_client -connect %s -servername localhost -CAfile %s -status </dev/null
  curl --cacert %s --cert-status https://localhost:%d/
  %s status --admin %s

Revoke the certificate, as its CA would. A second later the responder says so;
have dwaar ask it, and see that dwaar refuses to serve it:
  %s
  sleep 1; %s ocsp refresh localhost --admin %s
  curl --cacert %s https://localhost:%d/

It is only on hold, so that can be lifted. Look at the database, too:
  %s
  sleep 1; %s ocsp refresh localhost --admin %s
  %s

After a change of the Dwaarfile:
  %s reload --admin %s

Ctrl-C ends the demo.
`,
		v.Status, v.NextUpdate.UTC().Format(time.RFC3339), v.Responder,
		s.address(), s.quoted(rootFile),
		s.quoted(rootFile), s.ports.HTTPS,
		o.Command, socket,
		s.ca(o, "revoke "+s.quoted(chainFile)+" --reason certificateHold"), o.Command, socket, s.quoted(rootFile), s.ports.HTTPS,
		s.ca(o, "unrevoke "+s.quoted(chainFile)), o.Command, socket, s.ca(o, "list"),
		o.Command, socket)
}

func (s *setup) printStillRevoked(o Options) {
	fmt.Fprintf(o.Stdout, "The certificate is revoked since %s (%s): dwaar refuses to serve it.\n", s.record.RevokedAt.Format(time.RFC3339), s.record.Reason)
	if s.record.Reason == ocspsvc.CertificateHold {
		fmt.Fprintf(o.Stdout, "It is only on hold, so that can be lifted:\n  %s\n  sleep 1; %s ocsp refresh localhost --admin %s\n",
			s.ca(o, "unrevoke "+s.quoted(chainFile)), o.Command, QuoteShell(s.admin))
	} else {
		fmt.Fprintf(o.Stdout, "It stays so. Without its file the next demo makes another one:\n  rm %s\n", s.quoted(chainFile))
	}
	fmt.Fprint(o.Stdout, "\nCtrl-C ends the demo.\n")
}

// ca is a command line that looks after the demo's database.
func (s *setup) ca(o Options, what string) string {
	return fmt.Sprintf("%s ca %s --database %s --issuer %s", o.Command, what, QuoteShell("sqlite:"+s.shown(databaseFile)), s.quoted(intermediateFile))
}

// shown is a file of the demo as seen from where the user is.
func (s *setup) shown(name string) string { return filepath.Join(s.dir, name) }

func (s *setup) quoted(name string) string { return QuoteShell(s.shown(name)) }

// QuoteShell is s as one word for a POSIX shell.
func QuoteShell(s string) string {
	plain := strings.Trim(s, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789/._-+,@%=:") == ""
	if plain && s != "" {
		return s
	}
	return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'"
}
