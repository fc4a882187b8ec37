package responder

import (
	"errors"
	"log/slog"
	"sync"
	"time"

	"golang.org/x/time/rate"
)

// retryAfter is how long a database that failed is left alone. One asker tries
// it then; the others are not held up by it.
const retryAfter = time.Second

// database is what is known about the health of the records.
type database struct {
	log  *slog.Logger
	loud *rate.Limiter

	mu    sync.Mutex // guards all below
	err   error      // of the last reading; nil if it went well
	since time.Time  // it is so
	next  time.Time  // when one may try again
	told  bool       // that it cannot be read
}

func newDatabase(log *slog.Logger) *database {
	return &database{log: log, loud: rate.NewLimiter(rate.Every(10*time.Second), 2)}
}

// errDown stands for a database that is left alone.
var errDown = errors.New("the database does not answer")

// admit returns an error while the database is left alone. A nil is leave to
// read it, for this caller.
func (d *database) admit(now time.Time) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.err == nil {
		return nil
	}
	if now.Before(d.next) {
		return errDown
	}
	d.next = now.Add(retryAfter)
	return nil
}

// note takes the outcome of a reading. It logs changes, not failures, and of a
// database that comes and goes only some.
func (d *database) note(err error, now time.Time) {
	d.mu.Lock()
	since := d.since
	if (d.err == nil) != (err == nil) || since.IsZero() {
		d.since = now
	}
	d.err = err
	d.next = now.Add(retryAfter)
	down := err != nil && !d.told && d.loud.AllowN(now, 1)
	back := err == nil && d.told
	d.told = d.told && !back || down
	d.mu.Unlock()
	switch {
	case down:
		d.log.Error("the responder's database cannot be read; answers in the cache are served until their nextUpdate", "err", err)
	case back:
		d.log.Info("the responder's database can be read again", "after", now.Sub(since).Round(time.Second))
	}
}

// state returns the last error, or nil, and since when it is so; the zero time
// before the first reading.
func (d *database) state() (since time.Time, err error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.since, d.err
}
