package cluster

import (
	"context"
	"errors"
	"time"

	"dwaar/tlsstore/storage"
	"dwaar/tlsstore/storage/sealed"
)

// resealLock is held by the node that encrypts again.
const resealLock = "reseal"

// How encrypting again keeps out of others' way: each value that is stored is one
// more thing for every node to look at.
const (
	afterStore  = 20 * time.Millisecond
	afterLook   = time.Millisecond
	resealRetry = 10 * time.Second // after an outage, or while another node does it
	resealEvery = 24 * time.Hour   // a node that had another first key may have stored something since
)

// Encryption says what is left under the keys behind the first one.
type Encryption string

const (
	OneKey      Encryption = ""       // there are none
	FormerInUse Encryption = "in_use" // something, as far as is known
	FormerDone  Encryption = "unused" // nothing
)

// reseal stores again, with the first key, what another one has encrypted, for as
// long as the Dwaarfile names further keys. It works beside the copy, as another
// node would: the copy follows the changes.
func (c *Cluster) reseal(ctx context.Context) {
	for c.former.Store(FormerInUse); ctx.Err() == nil; {
		pause := resealRetry
		if c.agreed.Load() && c.mirror.Status().Up {
			if ours, err := c.resealOnce(ctx); err != nil && ctx.Err() == nil {
				c.log.Debug("encrypting with the first key is not done yet", "err", err)
			} else if ours && err == nil {
				pause = resealEvery
			}
		}
		rest(ctx, pause)
	}
}

// resealOnce reports whether it was this node's turn.
func (c *Cluster) resealOnce(ctx context.Context) (ours bool, err error) {
	if ours, err = c.direct.TryLock(ctx, resealLock); !ours || err != nil {
		return false, err
	}
	defer func() { err = errors.Join(err, c.direct.Unlock(context.WithoutCancel(ctx), resealLock)) }()
	// Who has started last decides which key is the first: two nodes that see that
	// differently would encrypt in turn.
	if last, err := c.direct.Current(ctx, keyCheck); !last || err != nil {
		c.former.Store(FormerInUse)
		return true, err
	}
	done, err := c.direct.ResealAll(storage.Under(ctx, resealLock), func(stored bool) {
		if stored {
			rest(ctx, afterStore)
		} else {
			rest(ctx, afterLook)
		}
	})
	if err == nil {
		c.tellResealed(done)
	}
	return true, err
}

func (c *Cluster) tellResealed(done sealed.Resealed) {
	if done.Unreadable > 0 {
		c.former.Store(FormerInUse)
		c.log.Warn("some values of the storage cannot be read with any key that is given", "count", done.Unreadable, "paths", done.Paths, "encrypted_again", done.Stored)
		return
	}
	was := c.former.Swap(FormerDone)
	if was != FormerDone || done.Stored > 0 {
		c.log.Info("everything in the storage is encrypted with the first key: once every node has it in front and says so, what stands behind it in encryption_key may go", "encrypted_again", done.Stored)
	}
}

// rest waits, but not longer than ctx lasts.
func rest(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
	case <-timer.C:
	}
}
