package responder

import (
	"sync/atomic"
	"time"
)

// kept is an answer in the cache. It is served as long as its record is what the
// database says, or as long as it is valid if the database says nothing.
type kept struct {
	*Answer
	record  Record
	refresh time.Time   // half of its life
	signing atomic.Bool // somebody makes its successor
}

// valid reports whether clients would accept it now. Wall time counts.
func (k *kept) valid(now time.Time) bool {
	now = now.Round(0)
	return now.Before(k.nextUpdate) && !now.Before(k.thisUpdate.Add(-time.Minute))
}

func (k *kept) due(now time.Time) bool { return !now.Round(0).Before(k.refresh) }
