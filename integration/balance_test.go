package integration

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"dwaar/integration/internal/nginx"
	"dwaar/integration/internal/wait"
)

// balanced starts a house in front of three nginx, with options in its reverse_proxy.
func balanced(t *testing.T, options string) (*house, []*nginx.Server) {
	t.Helper()
	h := newHouse(t)
	files := h.leaf("balance.test").Write(t, h.Dir, "balance")
	servers := make([]*nginx.Server, 3)
	to := ""
	for i := range servers {
		servers[i] = nginx.Start(t, fmt.Sprintf(`location / { return 200 "server %d"; }`, i))
		to += " " + servers[i].Addr
	}
	h.siteText(fmt.Sprintf("balance.test {\n\ttls %s %s\n\treverse_proxy%s {\n\t\t%s\n\t}\n}\n", files.Cert, files.Key, to, options))
	h.start("", "")
	return h, servers
}

// Upstreams that are killed and started again under load cost no GET, and no POST arrives twice.
func TestUpstreamsDieAndComeBackUnderLoad(t *testing.T) {
	t.Parallel()
	h, servers := balanced(t, "lb_retries 5\n\t\tlb_try_duration 10s")
	stop := make(chan struct{})
	var gets, posts, failedPosts atomic.Int64
	var workers sync.WaitGroup
	for w := range 8 {
		c := h.client(func(tr *http.Transport) { tr.ForceAttemptHTTP2 = w%2 == 0 })
		workers.Go(func() {
			for i := 0; ; i++ {
				select {
				case <-stop:
					return
				default:
				}
				if w < 6 {
					gets.Add(1)
					if body, err := get(c, fmt.Sprintf("https://balance.test/%d/%d", w, i)); err != nil || !strings.HasPrefix(body, "server ") {
						t.Errorf("GET: %q, %v", body, err)
					}
					continue
				}
				posts.Add(1)
				if err := post(c, fmt.Sprintf("https://balance.test/post?id=%d.%d", w, i)); err != nil {
					failedPosts.Add(1)
				}
			}
		})
	}
	for i := range 9 {
		servers[i%3].Kill()
		time.Sleep(100 * time.Millisecond)
		servers[i%3].Restart()
		time.Sleep(50 * time.Millisecond)
	}
	close(stop)
	workers.Wait()
	t.Logf("%d GETs, %d POSTs of which %d failed", gets.Load(), posts.Load(), failedPosts.Load())
	seen := map[string]int{}
	for _, s := range servers {
		for _, asked := range s.Asked() {
			if strings.HasPrefix(asked, "POST") {
				seen[asked]++
			}
		}
	}
	for asked, times := range seen {
		if times > 1 {
			t.Errorf("%s arrived %d times", asked, times)
		}
	}
	if gets.Load() < 100 || len(seen) < 20 || failedPosts.Load() > posts.Load()/4 {
		t.Errorf("%d GETs, %d of %d POSTs arrived, %d failed", gets.Load(), len(seen), posts.Load(), failedPosts.Load())
	}
}

func post(c *http.Client, url string) error {
	response, err := c.Post(url, "text/plain", strings.NewReader("a body"))
	if err != nil {
		return err
	}
	defer response.Body.Close()
	if _, err := io.ReadAll(response.Body); err != nil || response.StatusCode != http.StatusOK {
		return errors.Join(err, errors.New(response.Status))
	}
	return nil
}

// A client stays where its cookie says over a restart of dwaar, and is moved when that upstream
// dies; status shows who is healthy, and one that comes back is used again.
func TestStickyClientsAndHealthChecks(t *testing.T) {
	t.Parallel()
	h, servers := balanced(t, "lb_policy cookie at s3cret\n\t\thealth_uri /\n\t\thealth_interval 100ms")
	c := h.client(func(tr *http.Transport) { tr.DisableKeepAlives = true })
	visit := func(cookie *http.Cookie) (int, *http.Cookie) {
		t.Helper()
		r := must(t)(http.NewRequestWithContext(t.Context(), "GET", "https://balance.test/", nil)).(*http.Request)
		if cookie != nil {
			r.AddCookie(cookie)
		}
		response := must(t)(c.Do(r)).(*http.Response)
		defer response.Body.Close()
		body := must(t)(io.ReadAll(response.Body)).([]byte)
		var n int
		if _, err := fmt.Sscanf(string(body), "server %d", &n); err != nil {
			t.Fatalf("%s: %s", response.Status, body)
		}
		for _, set := range response.Cookies() {
			return n, set
		}
		return n, nil
	}
	home, cookie := visit(nil)
	if cookie == nil || !cookie.HttpOnly || !cookie.Secure || cookie.Path != "/" {
		t.Fatalf("cookie = %v", cookie)
	}
	h.Stop()
	h.Start()
	for range 10 {
		if n, again := visit(cookie); n != home || again != nil {
			t.Fatalf("a client of server %d is sent to %d with %v", home, n, again)
		}
	}
	servers[home].Kill()
	h.awaitHealth(servers[home].Addr, false)
	if n, replaced := visit(cookie); n == home || replaced == nil || replaced.Value == cookie.Value {
		t.Errorf("after server %d died: server %d, cookie %v", home, n, replaced)
	}
	servers[home].Restart()
	h.awaitHealth(servers[home].Addr, true)
	wait.Until(t, soon, "the first server to be used again", func() error {
		if n, _ := visit(cookie); n != home {
			return fmt.Errorf("server %d answers", n)
		}
		return nil
	})
}

// awaitHealth waits until status says so of an upstream.
func (h *house) awaitHealth(address string, healthy bool) {
	h.t.Helper()
	wait.Until(h.t, soon, fmt.Sprintf("upstream %s to be healthy: %v", address, healthy), func() error {
		status, err := h.Status()
		if err != nil {
			return err
		}
		for _, u := range status.Upstreams {
			if u.Address == "http://"+address && u.Healthy == healthy {
				return nil
			}
		}
		return fmt.Errorf("upstreams are %+v", status.Upstreams)
	})
}
