package storagetest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"
	"sync"
	"time"

	"dwaar/tlsstore/storage"
)

// Memory is what several nodes share: a storage in memory, with the troubles of a real one at
// a test's command. It works in a bubble of synctest.
type Memory struct {
	mu     sync.Mutex
	values map[string]remembered
	locks  map[string]*Node
	freed  chan struct{} // closed, and made anew, when a lock becomes free
	down   bool
	before func(by *Node, key string)
	after  func(by *Node, key string)
}

type remembered struct {
	value []byte
	at    time.Time
}

// NewMemory is empty.
func NewMemory() *Memory {
	return &Memory{values: map[string]remembered{}, locks: map[string]*Node{}, freed: make(chan struct{})}
}

// Node is one more node's handle.
func (m *Memory) Node() *Node { return &Node{m: m} }

// SetDown makes everything fail with storage.ErrUnavailable, or no longer. Locks stay held, as
// those of an outage that is shorter than a lease.
func (m *Memory) SetDown(down bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.down = down
}

// Down reports what SetDown has said.
func (m *Memory) Down() bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.down
}

// Before sets what is called before anything is changed, without a lock held; it may change
// whether it will be. After is the same for what was changed.
func (m *Memory) Before(call func(by *Node, key string)) { m.before = call }

// After sets what is called after a change.
func (m *Memory) After(call func(by *Node, key string)) { m.after = call }

// TakeAway ends the locks of a node whose names begin so, "" being all of them, as if it had
// slept for longer than its leases. It reports whether there were any.
func (m *Memory) TakeAway(from *Node, names string) (any bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for name, holder := range m.locks {
		if holder == from && strings.HasPrefix(name, names) {
			m.free(name)
			any = true
		}
	}
	return any
}

// Held are the names of the locks that anybody holds.
func (m *Memory) Held() []string {
	m.mu.Lock()
	defer m.mu.Unlock()
	var names []string
	for name := range m.locks {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

// Snapshot is everything that is stored.
func (m *Memory) Snapshot() map[string]string {
	m.mu.Lock()
	defer m.mu.Unlock()
	all := map[string]string{}
	for key, v := range m.values {
		all[key] = string(v.value)
	}
	return all
}

// free wants m.mu held.
func (m *Memory) free(name string) {
	delete(m.locks, name)
	close(m.freed)
	m.freed = make(chan struct{})
}

// Node is how one node uses a Memory.
type Node struct{ m *Memory }

var _ storage.Storage = (*Node)(nil)

// change does f, which changes a key, if the context and its locks allow for it.
func (n *Node) change(ctx context.Context, key string, f func(clean string) error) error {
	if n.m.before != nil {
		n.m.before(n, key)
	}
	err := n.changeNow(ctx, key, f)
	if err == nil && n.m.after != nil {
		n.m.after(n, key)
	}
	return err
}

func (n *Node) changeNow(ctx context.Context, key string, f func(clean string) error) error {
	clean, err := n.beginKey(ctx, key)
	if err != nil {
		return err
	}
	defer n.m.mu.Unlock()
	for _, lock := range storage.Locks(ctx) {
		if n.m.locks[lock] != n {
			return fmt.Errorf("%s: under the lock %s: %w", key, lock, storage.ErrNotLocked)
		}
	}
	return f(clean)
}

// begin returns with the memory locked, unless it returns an error.
func (n *Node) begin(ctx context.Context, key string) (clean string, err error) {
	if err := ctx.Err(); err != nil {
		return "", err
	}
	if clean, err = storage.Clean(key); err != nil {
		return "", err
	}
	n.m.mu.Lock()
	if n.m.down {
		n.m.mu.Unlock()
		return "", fmt.Errorf("%s: %w", key, storage.ErrUnavailable)
	}
	return clean, nil
}

// beginKey is begin that refuses the prefix of everything.
func (n *Node) beginKey(ctx context.Context, key string) (clean string, err error) {
	if clean, err = n.begin(ctx, key); err == nil && clean == "" {
		n.m.mu.Unlock()
		return "", errors.New("it is empty")
	}
	return clean, err
}

// Store implements storage.Storage.
func (n *Node) Store(ctx context.Context, key string, value []byte) error {
	if err := storage.CheckSize(int64(len(value))); err != nil {
		return fmt.Errorf("storing %s: %w", key, err)
	}
	return n.change(ctx, key, func(clean string) error {
		for other := range n.m.values {
			if strings.HasPrefix(other, clean+"/") || strings.HasPrefix(clean, other+"/") {
				return fmt.Errorf("storing %s: there is %s", key, other)
			}
		}
		if now, there := n.m.values[clean]; !replaces(ctx, now.value, there) {
			return fmt.Errorf("storing %s: %w", key, storage.ErrReplaced)
		}
		n.m.values[clean] = remembered{slices.Clone(value), storage.Modified(ctx)}
		return nil
	})
}

// replaces reports whether a Store under ctx may replace what there is now.
func replaces(ctx context.Context, now []byte, there bool) bool {
	old, only := storage.Replaced(ctx)
	return !only || there && bytes.Equal(old, now)
}

// Delete implements storage.Storage.
func (n *Node) Delete(ctx context.Context, key string) error {
	return n.change(ctx, key, func(clean string) error {
		for k := range n.m.values {
			if k == clean || strings.HasPrefix(k, clean+"/") {
				delete(n.m.values, k)
			}
		}
		return nil
	})
}

// Load implements storage.Storage.
func (n *Node) Load(ctx context.Context, key string) ([]byte, error) {
	clean, err := n.beginKey(ctx, key)
	if err != nil {
		return nil, err
	}
	defer n.m.mu.Unlock()
	v, there := n.m.values[clean]
	if !there {
		return nil, fmt.Errorf("loading %s: %w", key, fs.ErrNotExist)
	}
	return slices.Clone(v.value), nil
}

// Exists implements storage.Storage.
func (n *Node) Exists(ctx context.Context, key string) (bool, error) {
	_, err := n.Stat(ctx, key)
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	return err == nil, err
}

// List implements storage.Storage.
func (n *Node) List(ctx context.Context, prefix string, recursive bool) ([]string, error) {
	clean, err := n.begin(ctx, prefix)
	if err != nil {
		return nil, err
	}
	defer n.m.mu.Unlock()
	var keys []string
	for key := range n.m.values {
		rest, below := strings.CutPrefix(key, clean+"/")
		if clean == "" {
			rest, below = key, true
		}
		if !below {
			continue
		}
		if first, _, deeper := strings.Cut(rest, "/"); deeper && !recursive {
			key = strings.TrimPrefix(clean+"/"+first, "/")
		}
		keys = append(keys, key)
	}
	if len(keys) == 0 && clean != "" {
		return nil, fmt.Errorf("listing %s: %w", prefix, fs.ErrNotExist)
	}
	slices.Sort(keys)
	return slices.Compact(keys), nil
}

// Stat implements storage.Storage.
func (n *Node) Stat(ctx context.Context, key string) (storage.KeyInfo, error) {
	if keys, err := n.List(ctx, key, true); err == nil && len(keys) > 0 {
		clean, _ := storage.Clean(key)
		return storage.KeyInfo{Key: clean, Prefix: true}, nil
	}
	clean, err := n.begin(ctx, key)
	if err != nil {
		return storage.KeyInfo{}, err
	}
	defer n.m.mu.Unlock()
	v, there := n.m.values[clean]
	if !there {
		return storage.KeyInfo{}, fmt.Errorf("describing %s: %w", key, fs.ErrNotExist)
	}
	return storage.KeyInfo{Key: clean, Size: int64(len(v.value)), Modified: v.at}, nil
}

// Lock implements storage.Locker.
func (n *Node) Lock(ctx context.Context, name string) error {
	for {
		ours, freed, err := n.try(ctx, name)
		if ours || err != nil {
			return err
		}
		select {
		case <-freed:
		case <-ctx.Done():
			return fmt.Errorf("locking %s: %w", name, ctx.Err())
		}
	}
}

// TryLock implements storage.Locker.
func (n *Node) TryLock(ctx context.Context, name string) (bool, error) {
	ours, _, err := n.try(ctx, name)
	return ours, err
}

func (n *Node) try(ctx context.Context, name string) (ours bool, freed <-chan struct{}, err error) {
	if _, err := n.beginKey(ctx, name); err != nil {
		return false, nil, fmt.Errorf("locking %s: %w", name, err)
	}
	defer n.m.mu.Unlock()
	if n.m.locks[name] != nil {
		return false, n.m.freed, nil
	}
	n.m.locks[name] = n
	return true, nil, nil
}

// Holds reports whether n has the lock.
func (n *Node) Holds(name string) bool {
	n.m.mu.Lock()
	defer n.m.mu.Unlock()
	return n.m.locks[name] == n
}

// Unlock implements storage.Locker.
func (n *Node) Unlock(_ context.Context, name string) error {
	n.m.mu.Lock()
	defer n.m.mu.Unlock()
	if n.m.locks[name] != n {
		return fmt.Errorf("unlocking %s: %w", name, storage.ErrNotLocked)
	}
	n.m.free(name)
	return nil
}
