package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"time"

	"dwaar/ocspsvc"
)

// checkTimeout bounds one check: name, connection, handshake.
const checkTimeout = 10 * time.Second

type ocspCheckCmd struct {
	Target     string   `arg:"" help:"host[:port] of a server, or a file with a chain."`
	Servername string   `placeholder:"NAME" help:"The name to ask a server for, and that its certificate must carry (default: the host)."`
	CA         string   `name:"ca" placeholder:"FILE" type:"file" help:"Trusted roots (PEM) instead of the system's; for a file also where its issuer may be found."`
	Allow      []string `placeholder:"NET" help:"A network, address or host that may be asked although it is private (for a file; repeatable)."`
	JSON       bool     `help:"Print the verdict as JSON."`
}

func (ocspCheckCmd) Help() string {
	return `Of a server it judges the chain and the staple as a strict client does. Without a staple the verdict is not valid: reason no_responder if the certificate names none, else pending. If the chain itself is refused there is no issuer to believe, reason no_issuer.

Of a chain file it asks the responder. Exit code 0 only for a valid good.`
}

func (c ocspCheckCmd) Run(a *app) error {
	if info, err := os.Stat(c.Target); err == nil && !info.IsDir() {
		return c.checkFile(a)
	}
	if _, _, err := c.hostPort(); err != nil {
		return usage(err)
	}
	return c.checkServer(a)
}

func (c ocspCheckCmd) checkFile(a *app) error {
	if c.Servername != "" {
		return usage(errors.New("--servername is for a server, and " + c.Target + " is a file"))
	}
	q := question{cert: c.Target, issuer: c.CA, allow: c.Allow}
	answer, err := q.ask(context.Background())
	if answer == nil {
		return err
	}
	return a.verdict(answer.verdict, err, c.JSON, answer.facts()...)
}

// hostPort is the server's address and the host in it; the port may be left out.
func (c ocspCheckCmd) hostPort() (address, host string, err error) {
	host, port, err := net.SplitHostPort(c.Target)
	if err == nil && host != "" && port != "" {
		if n, err := net.LookupPort("tcp", port); err != nil || n == 0 {
			return "", "", fmt.Errorf("%s: the port is a number from 1 to 65535", c.Target)
		}
		return c.Target, host, nil
	}
	if bare := net.JoinHostPort(c.Target, "443"); plausibleHost(c.Target) {
		return bare, c.Target, nil
	}
	return "", "", errors.New(c.Target + " is neither a file nor host:port")
}

func plausibleHost(s string) bool {
	if net.ParseIP(s) != nil {
		return true
	}
	for _, r := range s {
		if r == '/' || r == ':' || r <= ' ' {
			return false
		}
	}
	return s != ""
}

func (c ocspCheckCmd) checkServer(a *app) error {
	ctx, cancel := context.WithTimeout(context.Background(), checkTimeout)
	defer cancel()
	seen, err := c.shake(ctx)
	if err != nil {
		var bad caError
		if errors.As(err, &bad) {
			return err
		}
		return a.verdict(ocspsvc.Refusal(err), err, c.JSON)
	}
	v, err := seen.judge(time.Now())
	return a.verdict(v, err, c.JSON, seen.facts()...)
}
