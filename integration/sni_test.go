package integration

import (
	"fmt"
	"sync"
	"sync/atomic"
	"testing"

	"dwaar/integration/internal/opens"
)

// 10,000 names nobody serves: each gets its alert, the log stays short, no file is opened
// for them, and those who are served notice nothing.
func TestTenThousandUnknownNames(t *testing.T) {
	t.Parallel()
	const names = 10_000
	h := newHouseOf(t, binaries.Plain)
	h.site(h.leaf("known.test"), "")
	h.start("", "")
	h.stapled("S1", "known.test")
	watch := opens.Watch(t, h.Dir, h.Data, h.Data+"/ocsp")
	logged := h.Log.Len()

	var wrong atomic.Int64
	var gone sync.WaitGroup
	for worker := range 4 {
		gone.Go(func() {
			for i := worker; i < names; i += 4 {
				if _, err := h.tryAny(fmt.Sprintf("n%d.unknown.test", i)); !hasAlert(err, "unrecognized name") {
					wrong.Add(1)
				}
			}
		})
	}
	gone.Wait()

	if n := wrong.Load(); n > 0 {
		t.Errorf("%d of %d unknown names did not get the alert unrecognized_name", n, names)
	}
	if n := watch.Count(); n > 200 {
		t.Errorf("%d files were opened while unknown names came in: %v", n, watch.Names())
	}
	if grown := h.Log.Len() - logged; grown > 64<<10 {
		t.Errorf("the log grew by %d bytes", grown)
	}
	h.stapled("S2", "known.test")
}
