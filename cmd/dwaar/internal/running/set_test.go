package running_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"dwaar/cmd/dwaar/internal/running"
)

// diary is a service that writes down what happens to it.
type diary struct {
	name    string
	entries chan string
	counter prometheus.Counter
}

func (d *diary) Name() string { return d.name }
func (d *diary) Run(ctx context.Context) {
	d.entries <- d.name + " runs"
	<-ctx.Done()
	d.entries <- d.name + " stops"
}
func (d *diary) Close() error {
	d.entries <- d.name + " is closed"
	return errors.New("it does not want to")
}
func (d *diary) Collectors() []prometheus.Collector { return []prometheus.Collector{d.counter} }

// house is a set of diaries under a synctest clock.
type house struct {
	t       *testing.T
	set     *running.Set[*diary]
	entries chan string
	stop    context.CancelFunc
}

func newHouse(t *testing.T) *house {
	t.Helper()
	h := &house{t: t, set: running.New[*diary](slog.New(slog.DiscardHandler)), entries: make(chan string, 100)}
	ctx, stop := context.WithCancel(t.Context())
	h.stop = stop
	go func() { _ = h.set.Run(ctx) }()
	return h
}

// prepare wants services by their names; "bad" cannot be had.
func (h *house) prepare(names ...string) (*running.Change[*diary], error) {
	digests := make([]running.Digest, len(names))
	for i, name := range names {
		copy(digests[i][:], name)
	}
	return h.set.Prepare(digests, func(i int) (*diary, error) {
		if names[i] == "bad" {
			return nil, errors.New("no such thing")
		}
		name, _, _ := strings.Cut(names[i], "=")
		return &diary{name, h.entries, prometheus.NewCounter(prometheus.CounterOpts{Name: "pages"})}, nil
	})
}

func (h *house) use(names ...string) {
	h.t.Helper()
	change, err := h.prepare(names...)
	if err != nil {
		h.t.Fatal(err)
	}
	change.Commit()
	change.Abort() // does nothing now
}

// happened is what was written down until everybody waits, in any order.
func (h *house) happened() string {
	synctest.Wait()
	var all []string
	for len(h.entries) > 0 {
		all = append(all, <-h.entries)
	}
	slices.Sort(all)
	return strings.Join(all, ", ")
}

func (h *house) expect(want string) {
	h.t.Helper()
	if got := h.happened(); got != want {
		h.t.Errorf("it happens that %s; want %s", got, want)
	}
}

func TestWhatStaysTheSameGoesOn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHouse(t)
		h.use("a", "b")
		h.expect("a runs, b runs")
		before := h.set.All()
		h.use("b", "c")
		h.expect("c runs")
		if now := h.set.All(); len(now) != 2 || now[0] != before[1] {
			t.Errorf("now %v, before %v", now, before)
		}
		time.Sleep(9 * time.Second) // somebody may still be asking it
		h.expect("")
		time.Sleep(2 * time.Second)
		h.expect("a is closed, a stops")
		h.use()
		h.stop() // does not wait for who is on his way
		h.expect("b is closed, b stops, c is closed, c stops")
	})
}

func TestARefusedChangeChangesNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHouse(t)
		h.use("a")
		h.expect("a runs")
		_, err := h.prepare("a", "bad", "b", "bad")
		joined, ok := err.(interface{ Unwrap() []error })
		if !ok || len(joined.Unwrap()) != 2 {
			t.Fatalf("Prepare = %v, want two errors", err)
		}
		if wrong, ok := errors.AsType[*running.Error](joined.Unwrap()[1]); !ok || wrong.Number != 3 || wrong.Error() != "no such thing" {
			t.Errorf("the second error is %v", joined.Unwrap()[1])
		}
		h.expect("b is closed")
		change, err := h.prepare("b", "a")
		if err != nil || len(change.Services()) != 2 || change.Services()[0].Name() != "b" {
			t.Fatalf("Prepare = %v, %v", change, err)
		}
		change.Abort()
		change.Abort()
		h.expect("b is closed")
		h.set.Close()
		h.expect("a is closed")
		h.stop()
	})
}

func TestMetricsAreToldApart(t *testing.T) {
	set := running.New[*diary](slog.New(slog.DiscardHandler))
	h := &house{t: t, set: set, entries: make(chan string, 10)}
	h.use("a=1", "a=2", "b")
	w := httptest.NewRecorder()
	running.Show(prometheus.NewRegistry(), labelled{set}).ServeHTTP(w, httptest.NewRequest("GET", "/metrics", nil))
	for _, name := range []string{"a", "a #2", "b"} {
		if want := fmt.Sprintf("pages{diary=%q} 0", name); !strings.Contains(w.Body.String(), want) {
			t.Errorf("no %s in\n%s", want, w.Body)
		}
	}
}

type labelled struct{ *running.Set[*diary] }

func (l labelled) Metrics() (prometheus.Gatherers, error) { return l.Set.Metrics("diary") }
