package integration

import (
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"dwaar/integration/internal/pebble"
	"dwaar/integration/internal/wait"
)

// killsEach is how often dwaar is killed at each of issue, renew and replace: 54 in all.
const killsEach = 18

// killed is a dwaar that is killed while its certificates come and go.
type killed struct {
	*revocable
	names    []string
	midway   map[string]bool // what kills left of certificates on their way
	children []*exec.Cmd
}

// Killed at random moments of issue, renew and replace, dwaar starts with a matching pair of
// every name or gets one, never serves what is in quarantine, and keeps its accounts.
func TestFiftyKillsOfIssueRenewAndReplace(t *testing.T) {
	t.Parallel()
	for what, provoke := range map[string]func(*killed, moment){
		"issue": (*killed).issue, "renew": (*killed).renew, "replace": (*killed).replace,
	} {
		t.Run(what, func(t *testing.T) {
			t.Parallel()
			k := &killed{revocable: newRevocable(t, binaries.Plain, pebble.Config{}), midway: map[string]bool{}}
			k.addName()
			for round := range killsEach {
				k.Start()
				k.awaitAll()
				k.awaitFiles()
				provoke(k, k.moment(round))
				k.Kill()
				k.checkFiles()
			}
			k.Start()
			k.awaitAll()
			k.awaitFiles()
			k.conclude(what)
		})
	}
}

// moment says whether the moment to kill has come.
type moment func() bool

// moment chooses one: any, or in every other round one when dwaar has just been given a
// certificate and writes it.
func (k *killed) moment(round int) moment {
	if any := time.Now().Add(rand.N(600 * time.Millisecond)); round%2 == 0 {
		return func() bool { return time.Now().After(any) }
	}
	fetched, latest := k.Pebble.Requests("/certZ/"), time.Now().Add(5*time.Second)
	var given time.Time
	after := rand.N(25 * time.Millisecond)
	return func() bool {
		if given.IsZero() && k.Pebble.Requests("/certZ/") > fetched {
			given = time.Now()
		}
		return !given.IsZero() && time.Since(given) > after || time.Now().After(latest)
	}
}

// pass waits until the moment has come, and provokes again every now and then.
func (k *killed) pass(come moment, provoke func()) {
	for n := 0; !come(); n++ {
		if n%200 == 0 {
			provoke()
		}
		time.Sleep(time.Millisecond)
	}
	for _, cmd := range k.children {
		go func() { _ = cmd.Wait() }() // ends by itself when the server is gone
	}
	k.children = nil
}

// addName adds a site with an account of its own, so that accounts are made under fire too.
func (k *killed) addName() {
	k.t.Helper()
	name := fmt.Sprintf("k%d.example.test", len(k.names))
	k.names = append(k.names, name)
	k.siteText(fmt.Sprintf("%s {\n\ttls ops%d@example.test\n\trespond ok\n}\n", name, len(k.names)))
	k.Configure(k.Options(k.global(), "start_wait 100ms") + k.sites.String())
}

// issue adds a site and lets dwaar begin with it.
func (k *killed) issue(come moment) {
	k.t.Helper()
	k.addName()
	k.Signal(syscall.SIGHUP)
	k.pass(come, func() {})
}

// renew keeps dwaar renewing.
func (k *killed) renew(come moment) {
	k.t.Helper()
	k.pass(come, func() { k.begin("certs", "renew", k.names[0]) })
}

// replace has the certificate revoked.
func (k *killed) replace(come moment) {
	k.t.Helper()
	k.revoke(k.shake(k.names[0]).Leaf)
	k.begin("ocsp", "refresh", k.names[0])
	k.pass(come, func() {})
}

// begin runs a command that nobody waits for yet.
func (k *killed) begin(args ...string) {
	cmd := k.Command(args...)
	if cmd.Start() == nil {
		k.children = append(k.children, cmd)
	}
}

// awaitAll waits until every name is served by a certificate that is not revoked.
func (k *killed) awaitAll() {
	k.t.Helper()
	for _, name := range k.names {
		wait.Until(k.t, soon, "a certificate for "+name, func() error { return k.isServed(name) })
	}
}

func (k *killed) isServed(name string) error {
	out := k.quarantined()
	shown, err := k.try(name)
	if err != nil {
		return err
	}
	if out[shown.Leaf.SerialNumber.Text(16)] {
		k.t.Fatalf("V1: %s is served with serial %x, which is in quarantine", name, shown.Leaf.SerialNumber)
	}
	if k.isRevoked(shown.Leaf.SerialNumber) {
		k.Do("ocsp", "refresh", name) // a moment too early for dwaar to know
		return errors.New("revoked")
	}
	return nil
}

// quarantined are the serial numbers that must not be loaded any more.
func (k *killed) quarantined() map[string]bool {
	serials := map[string]bool{}
	for _, why := range glob(k.t, k.Data, "quarantine", "*", "*", "why.json") {
		serials[filepath.Base(filepath.Dir(why))] = true
	}
	return serials
}

// checkFiles looks at what a kill has left: pairs that match, or half of one, or a pair that is
// being written and lies whole in pending/.
func (k *killed) checkFiles() {
	k.t.Helper()
	pending := map[string]bool{}
	for _, path := range glob(k.t, k.Data, "pending", "*", "*.json") {
		text := must(k.t)(os.ReadFile(path)).([]byte)
		pending[strings.TrimSuffix(filepath.Base(path), ".json")] = k.isWhole(path, text)
		k.midway[path+string(text)] = true
	}
	for _, crt := range glob(k.t, k.Data, "certificates", "*", "*", "*.crt") {
		name := filepath.Base(filepath.Dir(crt))
		_, err := tls.LoadX509KeyPair(crt, strings.TrimSuffix(crt, ".crt")+".key")
		if err != nil && !errors.Is(err, os.ErrNotExist) && !pending[name] {
			k.t.Errorf("%s: a pair that does not match: %v", name, err)
		}
	}
}

// awaitFiles waits until the three files of every name are of one certificate, the one that is
// served, and nothing is on its way. A command from before the kill may just have renewed it.
func (k *killed) awaitFiles() {
	k.t.Helper()
	for _, name := range k.names {
		wait.Until(k.t, soon, "the files of "+name, func() error { return k.isFiled(name) })
	}
	if left := glob(k.t, k.Data, "pending", "*", "*.json"); len(left) != 0 {
		k.t.Errorf("after a restart there is still %v", left)
	}
}

func (k *killed) isFiled(name string) error {
	shown, err := k.try(name)
	if err != nil {
		return err
	}
	crt := glob(k.t, k.Data, "certificates", "*", name, name+".crt")
	if len(crt) != 1 {
		return fmt.Errorf("certificates in %v", crt)
	}
	base := strings.TrimSuffix(crt[0], ".crt")
	pair, err := tls.LoadX509KeyPair(crt[0], base+".key")
	if err != nil {
		return err
	}
	if !pair.Leaf.Equal(shown.Leaf) {
		return fmt.Errorf("serial %x is in the file and %x is served", pair.Leaf.SerialNumber, shown.Leaf.SerialNumber)
	}
	meta, err := os.ReadFile(base + ".json")
	if err == nil && !strings.Contains(string(meta), strconv.Quote(name)) {
		err = fmt.Errorf("%s.json says %s", base, meta)
	}
	return err
}

// isWhole reports whether a pending file holds a pair; one without is a place reserved.
func (k *killed) isWhole(path string, text []byte) bool {
	k.t.Helper()
	var whole struct{ Certificate, Key string }
	if err := json.Unmarshal(text, &whole); err != nil {
		k.t.Errorf("%s is half written: %v", path, err)
	}
	if whole.Certificate == "" {
		return false
	}
	if _, err := tls.X509KeyPair([]byte(whole.Certificate), []byte(whole.Key)); err != nil {
		k.t.Errorf("%s: %v", path, err)
	}
	return true
}

// conclude checks what holds in the end: one account for each e-mail address, a good staple
// for each name, and no key of a revoked certificate in use.
func (k *killed) conclude(what string) {
	k.t.Helper()
	k.t.Logf("%s: %d kills, which left %d states of certificates on their way; %d orders, %d certificates fetched",
		what, killsEach, len(k.midway), len(k.Pebble.Orders()), k.Pebble.Requests("/certZ/"))
	if n := k.Pebble.AccountKeys(); n != len(k.names) {
		k.t.Errorf("%d account keys at the CA for %d accounts: one was lost", n, len(k.names))
	}
	gone := map[string]bool{}
	for _, crt := range glob(k.t, k.Data, "quarantine", "*", "*", "*.crt") {
		gone[keyIn(k.t, firstOf(k.t, crt))] = true
	}
	for _, name := range k.names {
		if shown := k.awaitStapled("V1", name, nil, soon); gone[keyIn(k.t, shown.Leaf)] {
			k.t.Errorf("V1: %s is served with a key that is in quarantine", name)
		}
	}
	if what == "replace" && len(gone) == 0 {
		k.t.Error("V1: nothing came into quarantine")
	}
}

// keyIn is the public key of a certificate, to compare.
func keyIn(t *testing.T, cert *x509.Certificate) string {
	t.Helper()
	return string(must(t)(x509.MarshalPKIXPublicKey(cert.PublicKey)).([]byte))
}
