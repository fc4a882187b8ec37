package integration

import (
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"dwaar/integration/internal/wait"
)

// client returns an HTTP client that reaches every name at this house.
func (h *house) client(config func(*http.Transport)) *http.Client {
	transport := &http.Transport{
		DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			return (&net.Dialer{}).DialContext(ctx, "tcp4", h.Addr())
		},
		TLSClientConfig:   &tls.Config{RootCAs: h.CA.Pool()},
		ForceAttemptHTTP2: true,
	}
	if config != nil {
		config(transport)
	}
	h.t.Cleanup(transport.CloseIdleConnections)
	return &http.Client{
		Transport: transport, Timeout: 30 * time.Second,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

// anew makes a client use a new connection for each request.
func anew(tr *http.Transport) { tr.DisableKeepAlives = true }

func get(c *http.Client, url string) (string, error) {
	resp, err := c.Get(url)
	if err != nil {
		return "", err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err == nil && resp.StatusCode != http.StatusOK {
		err = fmt.Errorf("status %s", resp.Status)
	}
	return string(body), err
}

// 100 reloads, by command and by signal, while clients ask over new and kept connections,
// HTTP/1.1, HTTP/2 and HTTP/3: no request fails, each answer is one of the two configurations',
// the staple stays and nothing is fetched again for it.
func TestHundredReloadsUnderLoad(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	files := h.leaf("reload.test").Write(t, h.Dir, "reload")
	version := func(n int) string {
		return h.Options("", "") + fmt.Sprintf("reload.test {\n\ttls %s %s\n\trespond version-%d\n}\n", files.Cert, files.Key, n)
	}
	h.Configure(version(0))
	h.Start()
	h.stapled("S1", "reload.test")
	asked, files0, goroutines0 := h.OCSP.Requests(), h.OpenFiles(), h.goroutines()
	load := h.load("https://reload.test/", "version-")

	url := "https://reload.test/"
	for n := 1; n <= 100; n++ {
		h.Configure(version(n))
		if n%5 == 0 {
			h.Signal([]syscall.Signal{syscall.SIGHUP, syscall.SIGUSR1}[n/5%2])
		} else {
			h.Must("reload", "--config", h.Config())
		}
		wait.Until(t, soon, fmt.Sprintf("reload %d to take effect", n), func() error {
			body, err := get(h.client(anew), url)
			if err == nil && body != fmt.Sprintf("version-%d", n) {
				err = fmt.Errorf("answer %q", body)
			}
			return err
		})
	}
	load.end(t, "reload")
	h.stapled("reload keeps staples", "reload.test")
	wait.Until(t, soon, "reload: as many open files as before", func() error {
		if now := h.OpenFiles(); now > files0+3 {
			return fmt.Errorf("%d, were %d", now, files0)
		}
		return nil
	})
	wait.Until(t, soon, "reload: as many goroutines as before", func() error {
		if now := h.goroutines(); now > goroutines0+10 {
			return fmt.Errorf("%d, were %d", now, goroutines0)
		}
		return nil
	})
	if got := h.OCSP.Requests(); got != asked {
		t.Errorf("reload: %d more OCSP requests during 100 reloads of an unchanged certificate", got-asked)
	}
}

// goroutines is how many dwaar has, by its own metrics.
func (h *house) goroutines() (n int) {
	h.t.Helper()
	c := &http.Client{Transport: &http.Transport{
		DisableKeepAlives: true,
		DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			return (&net.Dialer{}).DialContext(ctx, "unix", filepath.Join(h.Data, "admin.sock"))
		},
	}}
	text := must(h.t)(get(c, "http://admin/metrics")).(string)
	_, text, _ = strings.Cut(text, "\ngo_goroutines ")
	if _, err := fmt.Sscan(text, &n); err != nil {
		h.t.Fatalf("go_goroutines: %v", err)
	}
	return n
}

// load is clients that ask all the time.
type load struct {
	stop     context.CancelFunc
	gone     sync.WaitGroup
	answered atomic.Int64
	failures sync.Map
}

// load starts five clients: kept and new connections, HTTP/1.1 and HTTP/2, and HTTP/3.
func (h *house) load(url, prefix string) *load {
	ctx, stop := context.WithCancel(h.t.Context())
	l := &load{stop: stop}
	clients := []*http.Client{h.client3(nil)}
	for _, config := range []func(*http.Transport){
		nil,
		anew,
		func(tr *http.Transport) {
			tr.ForceAttemptHTTP2 = false
			tr.TLSClientConfig.NextProtos = []string{"http/1.1"}
		},
		func(tr *http.Transport) {
			tr.ForceAttemptHTTP2, tr.DisableKeepAlives = false, true
		},
	} {
		clients = append(clients, h.client(config))
	}
	for _, c := range clients {
		l.gone.Go(func() {
			for ctx.Err() == nil {
				body, err := get(c, url)
				if err == nil && !strings.HasPrefix(body, prefix) {
					err = fmt.Errorf("answer %q", body)
				}
				if err != nil {
					l.failures.Store(err.Error(), true)
				}
				l.answered.Add(1)
			}
		})
	}
	h.t.Cleanup(l.leave)
	return l
}

func (l *load) leave() {
	l.stop()
	l.gone.Wait()
}

func (l *load) end(t *testing.T, promise string) {
	t.Helper()
	l.leave()
	t.Logf("%s: %d requests", promise, l.answered.Load())
	l.failures.Range(func(failure, _ any) bool {
		t.Errorf("%s: a request failed: %v", promise, failure)
		return true
	})
}

// A reload with a bad file changes nothing: the old sites answer, the old staple is there,
// the command exits 1 and names every problem with its place.
func TestReloadOfABadFileChangesNothing(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	h.site(h.leaf("keep.test"), "")
	h.start("", "")
	before := h.stapled("S1", "keep.test")
	good := h.Options("", "") + h.sites.String()
	for name, bad := range map[string]struct{ text, problem string }{
		"unknown directive": {strings.Replace(good, "respond", "respnd", 1), "respnd"},
		"missing key":       {good + "other.test {\n\ttls /nowhere.crt /nowhere.key\n\trespond x\n}\n", "/nowhere"},
		"syntax":            {good + "other.test {\n", "Dwaarfile:"},
		"port taken":        {good + "http://keep.test:" + port(h.OCSP.Addr()) + " {\n\trespond x\n}\n", port(h.OCSP.Addr())},
	} {
		h.Configure(bad.text)
		out := h.Do("reload", "--config", h.Config())
		if out.Code != 1 || !strings.Contains(out.Text(), bad.problem) {
			t.Errorf("reload, %s: exit %d, want 1 and %q in:\n%s", name, out.Code, bad.problem, out.Text())
		}
		h.Signal(syscall.SIGHUP)
		after := h.stapled("reload, "+name, "keep.test")
		if string(after.Staple) != string(before.Staple) {
			t.Errorf("reload, %s: another staple", name)
		}
		if body, err := get(h.client(nil), "https://keep.test/"); err != nil || body != "keep.test" {
			t.Errorf("reload, %s: %q, %v", name, body, err)
		}
	}
}

func port(addr string) string {
	_, port, _ := net.SplitHostPort(addr)
	return port
}

// SIGTERM: what is under way is answered, nothing new is taken, the exit code is 0.
func TestSIGTERMFinishesWhatIsUnderWay(t *testing.T) {
	t.Parallel()
	for _, signal := range []syscall.Signal{syscall.SIGTERM, syscall.SIGINT} {
		t.Run(signal.String(), func(t *testing.T) {
			t.Parallel()
			h := newHouse(t)
			release := make(chan struct{})
			var waiting atomic.Int64
			upstream := serve(t, func(w http.ResponseWriter, _ *http.Request) {
				waiting.Add(1)
				<-release
				_, _ = io.WriteString(w, "finished")
			})
			leaf := h.leaf("term.test")
			files := leaf.Write(t, h.Dir, "term")
			h.siteText(fmt.Sprintf("term.test {\n\ttls %s %s\n\treverse_proxy %s\n}\n", files.Cert, files.Key, strings.TrimPrefix(upstream, "http://")))
			h.start("", "")

			const requests = 20
			results := make(chan error, requests)
			for range requests {
				go func() {
					body, err := get(h.client(nil), "https://term.test/")
					if err == nil && body != "finished" {
						err = fmt.Errorf("answer %q", body)
					}
					results <- err
				}()
			}
			wait.Until(t, soon, "all requests to reach the upstream", func() error {
				if n := waiting.Load(); n < requests {
					return fmt.Errorf("%d of %d", n, requests)
				}
				return nil
			})
			h.Signal(signal)
			wait.Until(t, soon, signal.String()+": new connections to be refused", func() error {
				c, err := net.DialTimeout("tcp4", h.Addr(), time.Second)
				if err != nil {
					return nil
				}
				_ = c.Close()
				return errNotYet
			})
			close(release)
			for range requests {
				if err := <-results; err != nil {
					t.Errorf("%v: a request under way failed: %v", signal, err)
				}
			}
			if err := h.Wait(soon); err != nil {
				t.Errorf("%v: %v, want exit 0", signal, err)
			}
			if _, err := os.Stat(h.Data + "/admin.sock"); err == nil {
				t.Errorf("%v: the admin socket is left behind", signal)
			}
		})
	}
}
