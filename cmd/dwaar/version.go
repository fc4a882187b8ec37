package main

import (
	"fmt"
	"runtime"
	"runtime/debug"
	"time"

	"github.com/alecthomas/kong"
)

type versionCmd struct{}

func (versionCmd) Run(a *app) error {
	b := readBuild()
	fmt.Fprintf(a.stdout, "dwaar %s\ngo %s %s/%s\nrevision %s\n", b.version, runtime.Version(), runtime.GOOS, runtime.GOARCH, b.revision)
	return nil
}

// versionFlag is what many try first.
type versionFlag bool

// BeforeReset is called by kong when the flag is there, and before it misses a command.
func (versionFlag) BeforeReset(parser *kong.Kong, a *app) error {
	err := versionCmd{}.Run(a)
	parser.Exit(0)
	return err
}

// build is what the Go linker knows about this binary.
type build struct {
	version, revision string
	at                time.Time // of the revision; zero if it is unknown
}

func readBuild() build {
	b := build{version: "(devel)", revision: "unknown"}
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return b
	}
	if info.Main.Version != "" {
		b.version = info.Main.Version
	}
	set := make(map[string]string)
	for _, s := range info.Settings {
		set[s.Key] = s.Value
	}
	if rev := set["vcs.revision"]; rev != "" {
		b.revision = rev
		if set["vcs.modified"] == "true" {
			b.revision += " (modified)"
		}
	}
	b.at, _ = time.Parse(time.RFC3339, set["vcs.time"]) // zero without
	return b
}
