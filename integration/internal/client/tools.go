package client

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"io"
	"os/exec"
	"strings"
	"testing"
	"time"
)

// Output is what an outside program said.
type Output struct {
	Text string // standard output and error
	Code int
}

// Has says whether the output contains every one of the words.
func (o Output) Has(words ...string) bool {
	for _, word := range words {
		if !strings.Contains(o.Text, word) {
			return false
		}
	}
	return true
}

// Tool is a client that is not ours, verifying against the roots in a PEM file.
type Tool struct {
	Name string
	Run  func(t testing.TB, addr, name, roots string, version uint16) Output
}

// SClient is `openssl s_client -status`. It checks the chain but only prints the staple.
func SClient(t testing.TB, addr, name, roots string, version uint16) Output {
	t.Helper()
	flag := map[uint16]string{tls.VersionTLS12: "-tls1_2", tls.VersionTLS13: "-tls1_3"}[version]
	return tool(t, "openssl", "s_client", "-connect", addr, "-servername", name, "-CAfile", roots,
		"-verify_return_error", "-verify_hostname", name, "-status", flag)
}

// Curl is `curl --cert-status`, which exits 91 unless a verified good staple comes.
func Curl(t testing.TB, addr, name, roots string, version uint16) Output {
	t.Helper()
	flags := map[uint16][]string{
		tls.VersionTLS12: {"--tlsv1.2", "--tls-max", "1.2"},
		tls.VersionTLS13: {"--tlsv1.3"},
	}[version]
	_, port, _ := strings.Cut(addr, ":")
	args := append([]string{"-sS", "-v", "--max-time", "20", "--cert-status", "--cacert", roots,
		"--resolve", name + ":" + port + ":127.0.0.1"}, flags...)
	return tool(t, "curl", append(args, "https://"+name+":"+port+"/")...)
}

// Get is curl with arguments of choice, and what it prints, without its own messages.
func Get(t testing.TB, addr, name, roots, path string, args ...string) Output {
	t.Helper()
	_, port, _ := strings.Cut(addr, ":")
	all := append([]string{"-sS", "--max-time", "20", "--cacert", roots, "--resolve", name + ":" + port + ":127.0.0.1"}, args...)
	return tool(t, "curl", append(all, "https://"+name+":"+port+path)...)
}

// GnuTLS is gnutls-cli, which verifies a staple with the chain and leaves if it is bad.
func GnuTLS(t testing.TB, addr, name, roots string, version uint16) Output {
	t.Helper()
	only := map[uint16]string{tls.VersionTLS12: "+VERS-TLS1.2", tls.VersionTLS13: "+VERS-TLS1.3"}[version]
	host, port, _ := strings.Cut(addr, ":")
	return tool(t, "gnutls-cli", "--port", port, "--x509cafile", roots, "--sni-hostname", name,
		"--verify-hostname", name, "--priority", "NORMAL:-VERS-ALL:"+only, host)
}

// tool runs a program without input, for at most half a minute.
func tool(t testing.TB, name string, args ...string) Output {
	t.Helper()
	return toolOn(t, nil, name, args...)
}

func toolOn(t testing.TB, input io.Reader, name string, args ...string) Output {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	var out bytes.Buffer
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = input, &out, &out
	err := cmd.Run()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		t.Fatalf("%s: %v", name, err)
	}
	return Output{Text: out.String(), Code: cmd.ProcessState.ExitCode()}
}

// Tool runs any other outside program, `openssl ocsp` say.
func RunTool(t testing.TB, name string, args ...string) Output {
	t.Helper()
	return tool(t, name, args...)
}

// RunToolOn is RunTool with input.
func RunToolOn(t testing.TB, input, name string, args ...string) Output {
	t.Helper()
	return toolOn(t, strings.NewReader(input), name, args...)
}
