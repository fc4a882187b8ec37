package storage

import (
	"context"
	"errors"
	"time"
)

// ErrUnavailable is in the chain of an error that says nothing about a key: the storage cannot
// be reached, does not answer in time, or does not take writes now.
var ErrUnavailable = errors.New("storage is unavailable")

// Shared is a Storage that several nodes use at the same time, and that says what any of them
// changes. Methods of Storage fail with ErrUnavailable while it is down, within seconds.
type Shared interface {
	Storage

	// Ping returns nil if the storage can be read and written now.
	Ping(ctx context.Context) error

	// Changes returns keys that were stored or deleted after a cursor, those of this handle
	// too, each once, and the cursor to go on from. It may return some of them at a time:
	// when there are none, that was all.
	Changes(ctx context.Context, since Cursor) (Changes, error)

	// Listen calls changed soon after something has changed, until ctx is done or it cannot
	// say so any more; then it returns why. It may call once for many changes, and calls once in
	// the beginning.
	Listen(ctx context.Context, changed func()) error
}

// Cursor is a place in the order of changes. The zero Cursor is a place nobody can go on from.
type Cursor struct {
	Epoch    string `json:"epoch"` // of the storage's content: another one means that it was lost
	Sequence int64  `json:"sequence"`
}

// Changes is what has happened since a cursor.
type Changes struct {
	Keys []string
	Next Cursor

	// All says that more may have changed than Keys, as the changes since that cursor are
	// not known any more: the content was lost, or it is too long ago.
	All bool

	// New says, together with All, that this content begins where the cursor's was lost, or where
	// there was none: it is empty, or holds what others who lost the same have put back so far.
	New bool

	// Back says, together with All, that the content has gone back in time, and to when: it is a
	// backup, or its last changes were lost. Zero is that it has not. Of another epoch it is when
	// that content was changed last before anybody could have lost it.
	Back time.Time
}
