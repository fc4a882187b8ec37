package issuing_test

import (
	"context"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"dwaar/acme/issuing"
)

// hangAt is a fault: requests for that path are taken and never answered.
func hangAt(path string, asked chan<- struct{}) func(http.ResponseWriter, *http.Request) bool {
	return func(w http.ResponseWriter, r *http.Request) bool {
		if r.URL.Path != path {
			return false
		}
		select {
		case asked <- struct{}{}:
		default:
		}
		return hang(w, r)
	}
}

// A CA whose directory hangs holds up nobody's first order at another one, and gives up with
// its caller.
func TestADirectoryThatHangsDelaysNoOtherCA(t *testing.T) {
	t.Parallel()
	hung, good, asked := newFakeCA(t), newFakeCA(t), make(chan struct{}, 1)
	hung.fail(hangAt("/dir", asked))
	i := open(t, t.TempDir())
	ctx, giveUp := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() {
		p := policy(hung)
		_, err := i.Obtain(ctx, p, "hung.example.test")
		ended <- err
	}()
	<-asked
	cert := obtain(t, i, policy(good))
	if _, err := i.RenewalInfo(soon(t), policy(good), cert); err != nil {
		t.Error(err)
	}
	select {
	case err := <-ended:
		t.Fatalf("Obtain = %v before its time was up", err)
	default:
	}
	giveUp()
	if err := <-ended; err == nil || !strings.Contains(err.Error(), "directory") {
		t.Errorf("Obtain = %v; want the directory of the CA in it", err)
	}
	hung.fail(nil)
	obtain(t, i, policy(hung))
}

// never is a CA that takes connections and says nothing.
type never struct{}

func (never) RoundTrip(r *http.Request) (*http.Response, error) {
	<-r.Context().Done()
	return nil, context.Cause(r.Context())
}

func TestADirectoryIsWaitedForTenSeconds(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		began := time.Now()
		err := issuing.LearnDirectory(t.Context(), &http.Client{Transport: never{}}, "https://never.test/dir")
		if took := time.Since(began); took != 10*time.Second {
			t.Errorf("given up after %v, want 10s", took)
		}
		if err == nil || !strings.Contains(err.Error(), "no answer within 10s") {
			t.Errorf("LearnDirectory = %v", err)
		}
	})
}

// A CA that stumbles is asked again, and one that answers is not asked twice.
func TestADirectoryIsFetchedOnce(t *testing.T) {
	t.Parallel()
	ca := newFakeCA(t)
	var asked atomic.Int32
	ca.fail(func(w http.ResponseWriter, r *http.Request) bool {
		if r.URL.Path != "/dir" || asked.Add(1) > 1 {
			return false
		}
		http.Error(w, "try later", http.StatusServiceUnavailable)
		return true
	})
	i := open(t, t.TempDir())
	cert := obtain(t, i, policy(ca))
	if _, err := i.Renew(soon(t), policy(ca), name, issuing.RenewOptions{Replaces: cert}); err != nil {
		t.Fatal(err)
	}
	if n := asked.Load(); n != 2 {
		t.Errorf("the directory was asked for %d times, want 2", n)
	}
}

func TestADirectoryThatIsNoneIsSaid(t *testing.T) {
	t.Parallel()
	for want, answer := range map[string]http.HandlerFunc{
		"HTTP 503": func(w http.ResponseWriter, _ *http.Request) { http.Error(w, "closed", http.StatusServiceUnavailable) },
		"rateLimited": func(w http.ResponseWriter, _ *http.Request) {
			problem(w, http.StatusTooManyRequests, "rateLimited", "wait")
		},
		"required directory fields": func(w http.ResponseWriter, _ *http.Request) { reply(w, http.StatusOK, map[string]string{}) },
		"longer than":               func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write(make([]byte, 2<<20)) },
	} {
		t.Run(want, func(t *testing.T) {
			t.Parallel()
			ca := newFakeCA(t)
			ca.fail(func(w http.ResponseWriter, r *http.Request) bool { answer(w, r); return true })
			_, err := open(t, t.TempDir()).Obtain(soon(t), policy(ca), name)
			if err == nil || !strings.Contains(err.Error(), want) {
				t.Errorf("Obtain = %v; want %q in it", err, want)
			}
		})
	}
}
