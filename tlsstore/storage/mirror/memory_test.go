package mirror_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"path"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"dwaar/tlsstore/storage"
)

// memory is the content of a shared storage: what all nodes see.
type memory struct {
	mu       sync.Mutex
	epoch    string
	former   string // the epoch that was lost
	began    time.Time
	epochs   int
	sequence int64
	values   map[string]entry
	log      map[string]int64 // of each key, the number of its last change
	locks    map[string]*node
	listener map[chan struct{}]bool
	gap      int64     // changes up to this one are not known any more
	back     time.Time // to when it has gone back in time; zero: never
}

type entry struct {
	value    []byte
	modified time.Time
}

func newMemory() *memory {
	return &memory{gap: -1, values: map[string]entry{}, log: map[string]int64{}, locks: map[string]*node{}, listener: map[chan struct{}]bool{}}
}

// wipe loses everything, as a server without persistence does when it is restarted.
func (c *memory) wipe() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.epoch, c.former = "", ""
	c.values, c.log, c.locks = map[string]entry{}, map[string]int64{}, map[string]*node{}
}

// becomeAnothers has the content of somebody else, for long.
func (c *memory) becomeAnothers(key, value string) {
	c.wipe()
	c.mu.Lock()
	defer c.mu.Unlock()
	c.begin()
	c.began = c.began.Add(-24 * time.Hour)
	c.put(key, []byte(value), time.Now())
}

// rollBack loses the last changes of keys, which are gone then, and all later than a time.
func (c *memory) rollBack(to time.Time, keys ...string) {
	c.forget()
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, key := range keys {
		delete(c.values, key)
		delete(c.log, key)
	}
	c.back = to
}

// forget knows no more what has changed.
func (c *memory) forget() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.gap = c.sequence
	c.sequence += 1000
}

// restore has what it has lost again, as it was at a time.
func (c *memory) restore(epoch string, at time.Time, values map[string]entry) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.epoch, c.former, c.began, c.back = epoch, "", at.Add(-24*time.Hour), at
	c.values = maps.Clone(values)
}

func (c *memory) begin() {
	if c.epoch == "" {
		c.epochs++
		c.epoch, c.began = "epoch "+strconv.Itoa(c.epochs), time.Now()
	}
}

func (c *memory) put(key string, value []byte, modified time.Time) {
	c.begin()
	c.values[key] = entry{bytes.Clone(value), modified}
	c.changed(key)
}

func (c *memory) changed(key string) {
	c.sequence++
	c.log[key] = c.sequence
	for l := range c.listener {
		select {
		case l <- struct{}{}:
		default:
		}
	}
}

func (c *memory) get(key string) string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return string(c.values[key].value)
}

// below returns the keys under a prefix, sorted.
func (c *memory) below(prefix string) (keys []string) {
	for key := range c.values {
		if prefix == "" || strings.HasPrefix(key, prefix+"/") {
			keys = append(keys, key)
		}
	}
	slices.Sort(keys)
	return keys
}

// node is the way of one node to the storage: a storage.Shared with faults.
type node struct {
	*memory
	down, hangs, deaf, readOnly atomic.Bool
	calls                       atomic.Int32
	failAfter                   atomic.Int32 // down after so many calls
	onList                      atomic.Pointer[func()]
}

var _ storage.Shared = (*node)(nil)

var errRefused = fmt.Errorf("%w: connection refused", storage.ErrUnavailable)

// reach is the network.
func (n *node) reach(ctx context.Context) error {
	n.calls.Add(1)
	if left := n.failAfter.Load(); left > 0 && n.failAfter.CompareAndSwap(left, left-1) && left == 1 {
		n.down.Store(true)
	}
	if n.hangs.Load() {
		<-ctx.Done()
	}
	if ctx.Err() != nil {
		return ctx.Err()
	}
	if n.down.Load() {
		return errRefused
	}
	return nil
}

func (n *node) key(ctx context.Context, key string) (string, error) {
	clean, err := storage.Clean(key)
	if err == nil && clean == "" {
		err = errors.New("the key is empty")
	}
	if err != nil {
		return "", err
	}
	return clean, n.reach(ctx)
}

func (n *node) fences(ctx context.Context) error {
	for _, name := range storage.Locks(ctx) {
		if n.locks[name] != n {
			return storage.ErrNotLocked
		}
	}
	return nil
}

func (n *node) Store(ctx context.Context, key string, value []byte) error {
	key, err := n.key(ctx, key)
	if err == nil {
		err = storage.CheckSize(int64(len(value)))
	}
	if err == nil && n.readOnly.Load() {
		err = errRefused
	}
	if err != nil {
		return err
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	if err := n.fences(ctx); err != nil {
		return err
	}
	if len(n.memory.below(key)) > 0 {
		return errors.New("a prefix")
	}
	for dir := path.Dir(key); dir != "."; dir = path.Dir(dir) {
		if _, is := n.values[dir]; is {
			return errors.New("below a key")
		}
	}
	now, there := n.values[key]
	if old, only := storage.Replaced(ctx); only && (!there || !bytes.Equal(old, now.value)) {
		return storage.ErrReplaced
	}
	n.put(key, value, storage.Modified(ctx))
	return nil
}

func (n *node) Load(ctx context.Context, key string) ([]byte, error) {
	key, err := n.key(ctx, key)
	if err != nil {
		return nil, err
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	if found, is := n.values[key]; is {
		return bytes.Clone(found.value), nil
	}
	return nil, fs.ErrNotExist
}

func (n *node) Delete(ctx context.Context, key string) error {
	key, err := n.key(ctx, key)
	if err != nil {
		return err
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	if err := n.fences(ctx); err != nil {
		return err
	}
	for _, k := range append(n.memory.below(key), key) {
		if _, is := n.values[k]; is {
			n.begin()
			delete(n.values, k)
			n.changed(k)
		}
	}
	return nil
}

func (n *node) Exists(ctx context.Context, key string) (bool, error) {
	_, err := n.Stat(ctx, key)
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	return err == nil, err
}

func (n *node) List(ctx context.Context, prefix string, recursive bool) ([]string, error) {
	prefix, err := storage.Clean(prefix)
	if err == nil {
		err = n.reach(ctx)
	}
	if err != nil {
		return nil, err
	}
	if f := n.onList.Swap(nil); f != nil {
		(*f)()
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	found := map[string]bool{}
	for _, key := range n.memory.below(prefix) {
		if !recursive {
			rest := strings.TrimPrefix(strings.TrimPrefix(key, prefix), "/")
			first, _, _ := strings.Cut(rest, "/")
			key = path.Join(prefix, first)
		}
		found[key] = true
	}
	if len(found) == 0 && prefix != "" {
		return nil, fs.ErrNotExist
	}
	return slices.Sorted(maps.Keys(found)), nil
}

func (n *node) Stat(ctx context.Context, key string) (storage.KeyInfo, error) {
	key, err := n.key(ctx, key)
	if err != nil {
		return storage.KeyInfo{}, err
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	if found, is := n.values[key]; is {
		return storage.KeyInfo{Key: key, Size: int64(len(found.value)), Modified: found.modified}, nil
	}
	if len(n.memory.below(key)) > 0 {
		return storage.KeyInfo{Key: key, Prefix: true}, nil
	}
	return storage.KeyInfo{}, fs.ErrNotExist
}

func (n *node) Lock(ctx context.Context, name string) error {
	for {
		ours, err := n.TryLock(ctx, name)
		if ours || err != nil {
			return err
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(10 * time.Millisecond):
		}
	}
}

func (n *node) TryLock(ctx context.Context, name string) (bool, error) {
	name, err := n.key(ctx, name)
	if err != nil {
		return false, err
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.locks[name] != nil {
		return false, nil
	}
	n.locks[name] = n
	return true, nil
}

func (n *node) Unlock(ctx context.Context, name string) error {
	name, err := n.key(context.WithoutCancel(ctx), name)
	if err != nil {
		time.AfterFunc(lease, func() { _ = n.free(name) })
		return err
	}
	return n.free(name)
}

// lease is how long a lock outlives a holder that cannot be heard.
const lease = 10 * time.Second

func (n *node) free(name string) error {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.locks[name] != n {
		return storage.ErrNotLocked
	}
	delete(n.locks, name)
	return nil
}

// renew stores a value as somebody else does.
func (c *memory) renew(key, value string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.put(key, []byte(value), time.Now())
}

func (n *node) Ping(ctx context.Context) error {
	if n.readOnly.Load() {
		return errRefused
	}
	return n.reach(ctx)
}

func (n *node) Changes(ctx context.Context, since storage.Cursor) (storage.Changes, error) {
	if err := n.reach(ctx); err != nil {
		return storage.Changes{}, err
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	n.begin()
	found := storage.Changes{Next: storage.Cursor{Epoch: n.epoch, Sequence: n.sequence}}
	if since.Epoch != n.epoch {
		if n.former == "" && since.Epoch != "" && time.Since(n.began) < time.Hour {
			n.former = since.Epoch
		}
		found.All, found.New = true, len(n.values) == 0 || since.Epoch != "" && since.Epoch == n.former
		if !found.New {
			found.Back = n.back
		}
		return found, nil
	}
	if since.Sequence <= n.gap {
		found.All, found.Back = true, n.back
		return found, nil
	}
	for key, number := range n.log {
		if number > since.Sequence {
			found.Keys = append(found.Keys, key)
		}
	}
	slices.SortFunc(found.Keys, func(a, b string) int { return int(n.log[a] - n.log[b]) })
	if most := 100; len(found.Keys) > most {
		found.Keys = found.Keys[:most]
		found.Next.Sequence = n.log[found.Keys[most-1]]
	}
	return found, nil
}

func (n *node) Listen(ctx context.Context, changed func()) error {
	if n.down.Load() || n.deaf.Load() {
		return errRefused
	}
	heard := make(chan struct{}, 1)
	n.mu.Lock()
	n.listener[heard] = true
	n.mu.Unlock()
	defer func() {
		n.mu.Lock()
		defer n.mu.Unlock()
		delete(n.listener, heard)
	}()
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-heard:
			if n.down.Load() || n.deaf.Load() {
				return errRefused
			}
			if n.hangs.Load() {
				<-ctx.Done()
				return ctx.Err()
			}
			changed()
		}
	}
}

// disk is a local storage that can fail to be written: all of it, or what is below a prefix.
type disk struct {
	storage.Storage
	full   atomic.Bool
	broken atomic.Value // of string
}

var errFull = errors.New("no space left on device")

func (d *disk) Store(ctx context.Context, key string, value []byte) error {
	if prefix, _ := d.broken.Load().(string); d.full.Load() || prefix != "" && strings.HasPrefix(key, prefix) {
		return errFull
	}
	return d.Storage.Store(ctx, key, value)
}

func (d *disk) Delete(ctx context.Context, key string) error {
	if d.full.Load() {
		return errFull
	}
	return d.Storage.Delete(ctx, key)
}

// killAfterMark leaves what a process leaves that is killed when it has written that it owes a
// key, and not yet what.
func (d *disk) killAfterMark(t *testing.T, n *machine, key string) {
	t.Helper()
	d.broken.Store("data/")
	defer d.broken.Store("")
	if err := n.Mirror.Store(t.Context(), key, []byte("lost")); !errors.Is(err, storage.ErrUnavailable) || !errors.Is(err, errFull) {
		t.Errorf("Store = %v, want ErrUnavailable and why", err)
	}
}
