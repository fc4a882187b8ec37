package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"dwaar/proxy/dwaarfile"
)

type fmtCmd struct {
	File  string `arg:"" optional:"" default:"Dwaarfile" help:"The Dwaarfile, or - for standard input (default: ${default})."`
	Check bool   `xor:"effect" help:"Fail if the file would change; print nothing."`
	Diff  bool   `help:"Print what would change, as a unified diff."`
	Write bool   `xor:"effect" help:"Replace the file instead of printing it."`
}

func (fmtCmd) Help() string {
	return `Prints the file in its one layout: a tab for every block, one space between words, at most one blank line. Comments, quoted text, heredocs, continued lines, {$VARIABLES} and imports stay as they are written, and what the file means never changes. Nothing but the file is opened, so files to be imported can be formatted too. A file whose words or blocks cannot be told apart is refused with every problem and exit code 2.

--check ends with exit code 1 and names the file if it would change. --write puts the new file in place of the old one in one step, and only if it differs.`
}

func (c fmtCmd) Run(a *app) error {
	if c.Write && c.File == stdinName {
		return usage(errors.New("--write needs a file: standard input cannot be replaced"))
	}
	name, text, err := c.read(a)
	if err != nil {
		return badDwaarfile(name+" cannot be formatted", err)
	}
	formatted, err := dwaarfile.Format(name, text)
	if err != nil {
		return badDwaarfile(name+" cannot be formatted", err)
	}
	if err := c.print(a, name, text, formatted); err != nil {
		return err
	}
	switch {
	case text == formatted:
		return nil
	case c.Check:
		return fmt.Errorf("%s is not formatted (dwaar fmt --diff shows how)", name)
	case c.Write:
		return replaceText(c.File, formatted)
	}
	return nil
}

// stdinName is how the command line spells standard input.
const stdinName = "-"

// read gives the text and what to call it.
func (c fmtCmd) read(a *app) (name, text string, err error) {
	if c.File != stdinName {
		text, err = dwaarfile.ReadFile(c.File, dwaarfile.Disk(nil))
		return c.File, text, err
	}
	raw, err := io.ReadAll(io.LimitReader(a.stdin, dwaarfile.MaxFileSize+1))
	return "stdin", string(raw), err
}

// print writes what was asked for to stdout: the diff, or, if nothing else was,
// the whole text.
func (c fmtCmd) print(a *app, name, text, formatted string) error {
	out := ""
	switch {
	case c.Diff:
		out = unifiedDiff(name, text, formatted)
	case !c.Check && !c.Write:
		out = formatted
	}
	_, err := io.WriteString(a.stdout, out)
	return err
}

// replaceText writes text to the file at path, or to the one it is a link to.
func replaceText(path, text string) error {
	path, err := filepath.EvalSymlinks(path)
	if err != nil {
		return err
	}
	info, err := os.Stat(path)
	if err != nil {
		return err
	}
	if !info.Mode().IsRegular() {
		return fmt.Errorf("%s is not a regular file", path)
	}
	return replaceFile(path, []byte(text))
}
