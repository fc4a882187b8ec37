package doctor

import (
	"context"
	"iter"
	"time"
)

// Check looks at one thing. Where there is nothing to look at, it finds nothing.
type Check struct {
	Name string
	Look func(ctx context.Context) []Finding
}

// patience is what a check has to say so after its time is over, before it counts
// as one that hangs: a disk that does not answer hears of no deadline.
const patience = time.Second

// Run makes all checks at the same time, each for at most a timeout, and yields
// what they find in the order of the checks. One that hangs is given up, and left
// behind.
func Run(ctx context.Context, timeout time.Duration, checks []Check) iter.Seq[Finding] {
	return func(yield func(Finding) bool) {
		ctx, cancel := context.WithTimeout(ctx, timeout)
		defer cancel()
		end := time.After(timeout + patience)
		found := make([]chan []Finding, len(checks))
		for i, check := range checks {
			found[i] = make(chan []Finding, 1)
			go func() { found[i] <- check.Look(ctx) }()
		}
		hangs := false
		for i, check := range checks {
			for _, f := range check.await(found[i], end, &hangs, timeout) {
				f.Check = check.Name
				if !yield(f) {
					return
				}
			}
		}
	}
}

// await is what a check has found, or that it hangs.
func (c Check) await(found <-chan []Finding, end <-chan time.Time, over *bool, timeout time.Duration) []Finding {
	if !*over {
		select {
		case f := <-found:
			return f
		case <-end:
			*over = true
		}
	}
	select {
	case f := <-found:
		return f
	default:
		return []Finding{fail(c.Name, "this was not to be found out within %v: something does not answer", timeout)}
	}
}
