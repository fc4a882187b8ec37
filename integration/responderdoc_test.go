package integration

import (
	"encoding/hex"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"dwaar/integration/internal/dwaar"
	"dwaar/integration/internal/pki"
	"dwaar/integration/internal/wait"
)

// reader types what docs/responder.md shows, line by line.
type reader struct {
	t     *testing.T
	dir   string
	ports *strings.Replacer
	env   []string
	said  strings.Builder
}

func (r *reader) run(line string) string {
	r.t.Helper()
	if name, ok := strings.CutPrefix(line, "export "); ok {
		r.env = append(r.env, name)
		return ""
	}
	cmd := exec.Command("sh", "-c", r.ports.Replace(line))
	cmd.Dir, cmd.Env = r.dir, r.env
	if strings.HasPrefix(line, "dwaar responder") {
		r.serve(cmd)
		return ""
	}
	out, err := cmd.CombinedOutput()
	if err != nil {
		r.t.Fatalf("$ %s\n%v\n%s", line, err, out)
	}
	return string(out)
}

// serve lets a responder run beside the lines that follow.
func (r *reader) serve(cmd *exec.Cmd) {
	r.t.Helper()
	log := &dwaar.Log{}
	cmd.Args[2] = "exec " + cmd.Args[2]
	cmd.Stdout, cmd.Stderr = log, log
	if err := cmd.Start(); err != nil {
		r.t.Fatal(err)
	}
	r.t.Cleanup(func() { _ = cmd.Process.Kill(); _ = cmd.Wait() })
	wait.Until(r.t, 20*time.Second, "the responder", func() error {
		if !strings.Contains(log.String(), "answering OCSP requests") {
			return errNotYet
		}
		return nil
	})
}

// Every line of the page does what it says, in the order of the page.
func TestTheResponderPageWorks(t *testing.T) {
	t.Parallel()
	page, err := os.ReadFile("../docs/responder.md")
	if err != nil {
		t.Fatal(err)
	}
	r := &reader{t: t, dir: t.TempDir(), env: append(os.Environ(), "PATH="+filepath.Dir(binaries.Plain)+":"+os.Getenv("PATH")),
		ports: strings.NewReplacer(":9000", ":"+strconv.Itoa(wait.Port(t)), ":9001", ":"+strconv.Itoa(wait.Port(t)))}
	for _, block := range strings.Split(string(page), "```sh\n")[1:] {
		block, _, _ = strings.Cut(block, "```")
		for line := range strings.Lines(block) {
			line = strings.TrimSpace(line)
			r.prepare(line)
			said := r.run(line)
			r.said.WriteString("$ " + line + "\n" + said)
			for words, want := range map[string]string{
				"openssl ocsp -url http://127.0.0.1:9000": "www.pem: good",
				"openssl ocsp -url http://127.0.0.1:9001": "www.pem: good",
				"dwaar ca list": "keyCompromise",
			} {
				if strings.HasPrefix(line, words) && !strings.Contains(said, want) {
					t.Errorf("$ %s\n%s\nwant %s", line, said, want)
				}
			}
		}
	}
	if strings.Count(r.said.String(), "\n") < 20 {
		t.Errorf("that is not the whole page:\n%s", &r.said)
	}
}

// prepare makes the files that other programs have left.
func (r *reader) prepare(line string) {
	r.t.Helper()
	if strings.Contains(line, "index:index.txt") {
		leaf := certificateIn(r.t, filepath.Join(r.dir, "www.pem"))
		text := strings.Join([]string{"V", leaf.NotAfter.UTC().Format("060102150405Z"), "", strings.ToUpper(hex.EncodeToString(leaf.SerialNumber.Bytes())), "unknown", "/CN=www.example.com"}, "\t")
		pki.WriteFile(r.t, filepath.Join(r.dir, "index.txt"), []byte(text+"\n"))
	}
	if strings.Contains(line, "import --issuer ca.pem issued/") {
		pki.WriteFile(r.t, filepath.Join(r.dir, "issued", "www.pem"), pki.CertPEM(certificateIn(r.t, filepath.Join(r.dir, "www.pem")).Raw))
	}
}
