package integration

import (
	"bytes"
	"errors"
	"testing"
	"time"

	"dwaar/integration/internal/redisserver"
)

// What one node has got the others serve within seconds: told by Redis, and by asking it every
// 5 s where Redis cuts subscriptions off, or does not allow them.
func TestAStapleSpreadsToAllNodes(t *testing.T) {
	t.Parallel()
	c, redis := newRedisCluster(t, 3, "spread.test")
	c.launch()
	c.everywhere("A6", 2*soon, []string{"spread.test"}, stapledWell)
	for range 3 {
		c.spreads("with subscriptions")
	}
	stop := repeat(func() { _, _ = redis.Do("CLIENT", "KILL", "TYPE", "pubsub") })
	c.spreads("subscriptions cut off all the time")
	stop()
	mustDo(t, redis, "ACL", "SETUSER", "default", "resetchannels", "-subscribe", "-psubscribe", "-ssubscribe")
	mustDo(t, redis, "CLIENT", "KILL", "TYPE", "pubsub")
	c.spreads("without subscriptions")
	if n := must(t)(redis.Do("PUBSUB", "NUMSUB", "dwaar:changed")).([]any)[1]; n != int64(0) {
		t.Errorf("%v nodes subscribe to what they must not", n)
	}
	mustDo(t, redis, "ACL", "SETUSER", "default", "-publish")
	c.spreads("without publishing")
	c.storageIs("up", 0)
	asked := len(c.OCSP.Asked())
	if want := 1 + 3 + 1 + 1 + 1; asked != want { // at the start, and once for each time it was told to
		t.Errorf("%d requests to the responder, want %d", asked, want)
	}
}

// spreads has one node refresh a staple, and waits until all show it.
func (c *cluster) spreads(how string) {
	c.t.Helper()
	signed := nextUpdate(c.t, c.shake("spread.test")).Add(-time.Hour)
	time.Sleep(time.Until(signed.Add(time.Second))) // responses of one second are the same
	c.Must("ocsp", "refresh", "spread.test")
	next := c.stapled("S1", "spread.test").Staple
	c.everywhere("the new staple, "+how, soon, []string{"spread.test"}, func(l look) error {
		if !bytes.Equal(l.shown.Staple, next) {
			return errors.New("another staple")
		}
		return nil
	})
	c.t.Logf("%s: all nodes serve a new staple %v after the responder was asked", how, time.Since(c.OCSP.Asked()[len(c.OCSP.Asked())-1].When).Round(10*time.Millisecond))
}

func mustDo(t *testing.T, redis *redisserver.Server, command ...any) {
	t.Helper()
	must(t)(redis.Do(command...))
}

// repeat does something five times a second, until it is stopped.
func repeat(do func()) (stop func()) {
	done, ended := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(ended)
		for {
			do()
			select {
			case <-done:
				return
			case <-time.After(200 * time.Millisecond):
			}
		}
	}()
	return func() { close(done); <-ended }
}
