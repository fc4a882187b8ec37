package issuing_test

import (
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"

	"dwaar/acme/issuing"
)

func TestARenewalTellsItsCAWhatItReplaces(t *testing.T) {
	t.Parallel()
	ca, other, dir := newFakeCA(t), newFakeCA(t), t.TempDir()
	i := open(t, dir)
	first := obtain(t, i, policy(ca))
	second, err := i.Renew(soon(t), policy(ca), name, issuing.RenewOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := i.Renew(soon(t), policy(other), name, issuing.RenewOptions{Replaces: second}); err != nil {
		t.Fatal(err)
	}
	if string(first.KeyPEM) == string(second.KeyPEM) {
		t.Error("the key was used again")
	}
	// RFC 9773 §4.1: the issuer's key identifier and the serial number.
	serial := first.Leaf.SerialNumber.Bytes()
	if orders := ca.ordered(); len(orders) != 2 || orders[0].replaces != "" || orders[1].replaces != "AQID."+base64url(serial) {
		t.Errorf("orders %+v, want the second to replace %x", orders, serial)
	}
	if orders := other.ordered(); len(orders) != 1 || orders[0].replaces != "" {
		t.Errorf("another CA was told of what it has not issued: %+v", orders)
	}
}

// A CA that was set up anew, or an account that is another one, does not know the certificate;
// Pebble says serverInternal then, and that of one serial number in 512 of its own.
func TestACAThatRefusesWhatIsReplacedGetsAnOrderWithout(t *testing.T) {
	t.Parallel()
	for _, kind := range []string{"malformed", "unauthorized", "serverInternal"} {
		ca, dir := newFakeCA(t), t.TempDir()
		i := open(t, dir)
		old := obtain(t, i, policy(ca))
		refused := 0
		ca.fail(func(w http.ResponseWriter, r *http.Request) bool {
			if r.URL.Path != "/order" || refused == 1 {
				return false
			}
			refused++
			problem(w, 400, kind, "no known issuer matches")
			return true
		})
		next, err := i.Renew(soon(t), policy(ca), name, issuing.RenewOptions{Replaces: old})
		if err != nil || next.Leaf.Equal(old.Leaf) {
			t.Errorf("%s: Renew = %v, want another certificate", kind, err)
		}
		if orders := ca.ordered(); refused != 1 || len(orders) != 2 || orders[1].replaces != "" {
			t.Errorf("%s: %d refusals, orders %+v; want one more, which replaces nothing", kind, refused, orders)
		}
	}
}

func TestARenewalThatAPeerHasDoneIsNotDoneAgain(t *testing.T) {
	t.Parallel()
	ca, dir := newFakeCA(t), t.TempDir()
	mine, peer := open(t, dir), open(t, dir)
	old := obtain(t, mine, policy(ca))
	first, err := peer.Renew(soon(t), policy(ca), name, issuing.RenewOptions{Replaces: old})
	if err != nil {
		t.Fatal(err)
	}
	second, err := mine.Renew(soon(t), policy(ca), name, issuing.RenewOptions{Replaces: old})
	if err != nil || !second.Leaf.Equal(first.Leaf) || len(ca.ordered()) != 2 {
		t.Errorf("Renew = %v after %d orders; want what the peer has got", err, len(ca.ordered()))
	}
}

func TestAFailedRenewalLeavesTheOldCertificate(t *testing.T) {
	t.Parallel()
	ca, dir := newFakeCA(t), t.TempDir()
	i := open(t, dir)
	old := obtain(t, i, policy(ca))
	ca.fail(refuseOrders)
	if _, err := i.Renew(soon(t), policy(ca), name, issuing.RenewOptions{}); err == nil || !strings.Contains(err.Error(), "renewing the certificate for "+name) {
		t.Errorf("Renew = %v", err)
	}
	if loaded, err := i.Load(t.Context(), policy(ca), name); err != nil || !loaded.Leaf.Equal(old.Leaf) {
		t.Errorf("Load = %v", err)
	}
	if loaded := obtain(t, i, policy(ca)); !loaded.Leaf.Equal(old.Leaf) {
		t.Error("Obtain has another one")
	}
}

func TestRenewalInfoIsWhatTheCASays(t *testing.T) {
	t.Parallel()
	ca := newFakeCA(t)
	i := open(t, t.TempDir())
	cert := obtain(t, i, policy(ca))
	info, err := i.RenewalInfo(soon(t), policy(ca), cert)
	if err != nil {
		t.Fatal(err)
	}
	if info.End.After(time.Now()) || info.End.Sub(info.Start).Round(time.Second) != time.Hour || info.Explanation != "https://ca.test/why" {
		t.Errorf("window %+v, want the hour that is over", info)
	}
	if in := time.Until(info.RetryAfter); in < 50*time.Minute || in > time.Hour {
		t.Errorf("ask again in %v, want in an hour", in)
	}
}

func TestSomeIssuersGiveNoRenewalInfo(t *testing.T) {
	t.Parallel()
	ca, other := newFakeCA(t), newFakeCA(t)
	ca.fail(func(w http.ResponseWriter, r *http.Request) bool {
		if r.URL.Path == "/dir" {
			base := "https://" + r.Host
			reply(w, 200, map[string]string{"newNonce": base + "/nonce", "newAccount": base + "/account", "newOrder": base + "/order"})
		}
		return r.URL.Path == "/dir"
	})
	i := open(t, t.TempDir())
	cert := obtain(t, i, policy(ca))
	internal := issuing.Policy{Issuers: []issuing.IssuerConfig{{CA: issuing.Internal}}}
	for what, p := range map[string]issuing.Policy{"no ARI": policy(ca), "another CA": policy(other), "the local CA": internal} {
		if _, err := i.RenewalInfo(soon(t), p, cert); !errors.Is(err, issuing.ErrNoRenewalInfo) {
			t.Errorf("%s: %v, want ErrNoRenewalInfo", what, err)
		}
	}
	other.server.Close()
	cert = &issuing.Certificate{Name: name, Issuer: strings.Replace(cert.Issuer, portOf(ca), portOf(other), 1), Leaf: cert.Leaf}
	if _, err := i.RenewalInfo(soon(t), policy(other), cert); err == nil || errors.Is(err, issuing.ErrNoRenewalInfo) ||
		!strings.Contains(err.Error(), "asking "+cert.Issuer+" when to renew "+name) {
		t.Errorf("a CA that is down: %v", err)
	}
}
