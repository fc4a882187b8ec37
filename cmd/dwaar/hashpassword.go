package main

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"golang.org/x/term"

	"dwaar/proxy/password"
)

type hashPasswordCmd struct {
	Plaintext *string `placeholder:"PASSWORD" help:"The password; others can see it in the list of processes."`
	Cost      int     `default:"14" help:"How slow guessing is, from 4 to 16; each one more takes twice as long (default: ${default})."`
}

func (hashPasswordCmd) Help() string {
	return `Prints the bcrypt hash of a password, for basic_auth. On a terminal it asks twice and shows nothing; else the password is the first line of standard input. A password has at most 72 bytes.`
}

func (c hashPasswordCmd) Run(a *app) error {
	plain, err := c.password(a)
	if err != nil {
		return err
	}
	hash, err := password.New(plain, c.Cost)
	if err != nil {
		return usage(err)
	}
	_, err = fmt.Fprintln(a.stdout, string(hash))
	return err
}

func (c hashPasswordCmd) password(a *app) (string, error) {
	if c.Plaintext != nil {
		return *c.Plaintext, nil
	}
	if terminal, ok := a.stdin.(*os.File); ok && term.IsTerminal(int(terminal.Fd())) {
		return askTwice(a.stderr, func() (string, error) {
			typed, err := term.ReadPassword(int(terminal.Fd()))
			return string(typed), err
		})
	}
	return firstLine(a.stdin)
}

// askTwice reads a password that nobody can see, not even who types it.
func askTwice(prompt io.Writer, read func() (string, error)) (string, error) {
	var typed [2]string
	for i, question := range [...]string{"Password: ", "The same again: "} {
		fmt.Fprint(prompt, question)
		text, err := read()
		fmt.Fprintln(prompt)
		if err != nil {
			return "", fmt.Errorf("reading the password: %w", err)
		}
		typed[i] = text
	}
	if typed[0] != typed[1] {
		return "", errors.New("the passwords are not the same")
	}
	return typed[0], nil
}

// firstLine reads no more than a line that could be hashed.
func firstLine(input io.Reader) (string, error) {
	text, err := bufio.NewReader(io.LimitReader(input, 64<<10)).ReadString('\n')
	if err != nil && !errors.Is(err, io.EOF) {
		return "", fmt.Errorf("reading the password: %w", err)
	}
	return strings.TrimSuffix(strings.TrimSuffix(text, "\n"), "\r"), nil
}
