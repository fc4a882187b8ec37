package doctor

import (
	"cmp"
	"context"
	"iter"
	"slices"
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

// shown bounds what one check tells; ten thousand sites may have one mistake.
const shown = 100

// Run makes all checks at the same time, each for at most a timeout, and yields
// what they find in the order of the checks. One that hangs is given up, and left
// behind.
func Run(ctx context.Context, timeout time.Duration, checks []Check) iter.Seq[Finding] {
	return func(yield func(Finding) bool) {
		ctx, cancel := context.WithTimeout(ctx, timeout)
		defer cancel()
		over, giveUp := context.WithTimeout(context.WithoutCancel(ctx), timeout+patience)
		defer giveUp()
		found := make([]chan []Finding, len(checks))
		for i, check := range checks {
			found[i] = make(chan []Finding, 1)
			go func() { found[i] <- bounded(check.Look(ctx)) }()
		}
		for i, check := range checks {
			for _, f := range await(over, found[i], timeout) {
				f.Check = check.Name
				f.What = cmp.Or(f.What, check.Name)
				if !yield(f) {
					return
				}
			}
		}
	}
}

// await is what a check has found, or that it hangs.
func await(over context.Context, found <-chan []Finding, timeout time.Duration) []Finding {
	select {
	case f := <-found:
		return f
	case <-over.Done():
	}
	select {
	case f := <-found: // while another one was waited for
		return f
	default:
		return []Finding{fail("", "nothing was found out within %v: something does not answer, perhaps a disk", timeout)}
	}
}

// bounded leaves out what is too much, and tells the worst first then.
func bounded(found []Finding) []Finding {
	if len(found) <= shown {
		return found
	}
	rank := map[Level]int{Fail: 0, Warn: 1, OK: 2}
	slices.SortStableFunc(found, func(a, b Finding) int { return rank[a.Level] - rank[b.Level] })
	more := finding(found[shown].Level, "", "%d more like these are not shown", []any{len(found) - shown})
	return append(found[:shown:shown], more)
}
