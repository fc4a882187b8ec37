// Package wait lets tests wait for conditions instead of for time to pass.
package wait

import (
	"math/rand/v2"
	"net"
	"strconv"
	"sync"
	"testing"
	"time"
)

// Until polls ok until it returns nil, or fails the test with the last error.
func Until(t testing.TB, within time.Duration, what string, ok func() error) {
	t.Helper()
	deadline := time.Now().Add(within)
	for {
		err := ok()
		if err == nil {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("waited %v for %s: %v", within, what, err)
		}
		time.Sleep(25 * time.Millisecond)
	}
}

var (
	mu    sync.Mutex
	taken = map[int]bool{}
)

// Port returns a free TCP port of 127.0.0.1. It lies below the range the system takes
// for outgoing connections, so nothing else grabs it before it is used, and no two
// calls return the same one.
func Port(t testing.TB) int {
	t.Helper()
	mu.Lock()
	defer mu.Unlock()
	for range 1000 {
		port := 12000 + rand.IntN(20000)
		if taken[port] {
			continue
		}
		l, err := net.Listen("tcp", "127.0.0.1:"+strconv.Itoa(port))
		if err != nil {
			continue
		}
		_ = l.Close()
		taken[port] = true
		return port
	}
	t.Fatal("no free port")
	return 0
}
