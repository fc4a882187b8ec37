package main

import (
	"errors"
	"fmt"
	"io"
	"reflect"
	"time"

	"github.com/alecthomas/kong"
)

// grammar is the whole command line.
type grammar struct {
	Run          runCmd          `cmd:"" help:"Serve what a Dwaarfile says."`
	Validate     validateCmd     `cmd:"" help:"Check a Dwaarfile and the keys it names; start nothing."`
	Fmt          fmtCmd          `cmd:"" help:"Give a Dwaarfile its one layout."`
	Adapt        adaptCmd        `cmd:"" help:"Print what a Dwaarfile means, as JSON."`
	Reload       reloadCmd       `cmd:"" help:"Make the running dwaar read its configuration again."`
	Stop         stopCmd         `cmd:"" help:"Stop the running dwaar after its open requests."`
	Status       statusCmd       `cmd:"" help:"Show what is served and the state of every staple."`
	Certs        certsCmd        `cmd:"" help:"Show and replace the certificates of the running dwaar."`
	OCSP         ocspCmd         `cmd:"" name:"ocsp" help:"Ask for, verify and check OCSP responses."`
	Responder    responderCmd    `cmd:"" help:"Answer OCSP requests, from flags alone."`
	Relay        relayCmd        `cmd:"" help:"Relay OCSP, from flags alone."`
	CA           caCmd           `cmd:"" name:"ca" help:"Keep the database of a CA that the OCSP responder reads."`
	Storage      storageCmd      `cmd:"" help:"Fill a storage that several dwaars share."`
	Trust        trustCmd        `cmd:"" help:"Make this system trust the local CA."`
	Untrust      untrustCmd      `cmd:"" help:"Make this system trust the local CA no longer."`
	HashPassword hashPasswordCmd `cmd:"" help:"Hash a password for basic_auth."`
	Doctor       doctorCmd       `cmd:"" help:"Look for what keeps dwaar from working here."`
	Demo         demoCmd         `cmd:"" help:"Show the whole job on this machine: PKI, responder, upstream and proxy."`
	Version      versionCmd      `cmd:"" help:"Print the version, the Go version and the revision."`

	ShowVersion versionFlag `name:"version" hidden:"" help:"The same as the command version."`
}

const description = `A TLS-terminating reverse proxy that staples a fresh, verified OCSP response to every handshake that can have one.

Exit codes: 0 done, 1 failed, 2 wrong usage or a bad Dwaarfile. Durations are written like 10s, 1h30m or 7d. Times are RFC 3339.`

// app is what a command may touch of the outside.
type app struct {
	stdin          io.Reader
	stdout, stderr io.Writer
}

// Main runs the command that args name and returns its exit code: 0 done, 1
// failed, 2 wrong usage or a bad Dwaarfile.
func Main(args []string, stdin io.Reader, stdout, stderr io.Writer) int {
	a := &app{stdin: stdin, stdout: stdout, stderr: stderr}
	err := a.command(args)
	a.report(err)
	return exitCode(err)
}

func (a *app) command(args []string) (err error) {
	var g grammar
	parser, err := kong.New(&g,
		kong.Name("dwaar"),
		kong.Description(description),
		kong.UsageOnError(),
		kong.ConfigureHelp(kong.HelpOptions{Compact: true, NoExpandSubcommands: true}),
		kong.Writers(a.stdout, a.stderr),
		kong.Exit(func(code int) { panic(helped{code}) }),
		kong.TypeMapper(reflect.TypeFor[time.Duration](), kong.MapperFunc(mapDuration)),
		kong.TypeMapper(reflect.TypeFor[time.Time](), kong.MapperFunc(mapTime)),
		kong.KindMapper(reflect.String, kong.MapperFunc(mapString)),
		kong.NamedMapper("file", kong.MapperFunc(mapFile)),
		kong.Bind(a),
	)
	if err != nil {
		return fmt.Errorf("the grammar of the command line: %w", err)
	}
	// --help and --version leave the parser through Exit, in the middle of its work.
	defer func() {
		if r := recover(); r != nil {
			if _, ok := r.(helped); !ok {
				panic(r)
			}
		}
	}()
	ctx, err := parser.Parse(args)
	if err != nil {
		return usage(hint(err))
	}
	return ctx.Run()
}

// helped is thrown where a flag is all that is asked for.
type helped struct{ code int }

// hint adds where help is to what kong says about a wrong command line.
func hint(err error) error {
	command := "dwaar"
	var parse *kong.ParseError
	if errors.As(err, &parse) && parse.Context != nil {
		if node := parse.Context.Selected(); node != nil {
			command += " " + node.Path()
		}
	}
	return fmt.Errorf("%w (see %s --help)", err, command)
}
