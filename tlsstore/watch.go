package tlsstore

import (
	"context"
	"slices"
	"time"
)

// A change is noticed within pollEvery, and taken in when the files have kept still for
// settle: less than 2 s in all (S6). Looking costs one stat for each file, which follows
// links wherever they are on the path; directory events would miss a swapped parent.
const (
	pollEvery = time.Second
	settle    = 200 * time.Millisecond
)

// watched is a pair of files whose certificate is served, with their stamp when it was read.
// It is owned by Run once it is in an index.
type watched struct {
	files
	problem string // the last one logged
}

// watch returns the one watched for the files of a pair, or nil if it was not read from any.
func watch(all map[Files]*watched, pair *Pair) *watched {
	if pair.files == nil {
		return nil
	}
	w := all[pair.files.Files]
	if w == nil {
		w = &watched{files: *pair.files}
		all[pair.files.Files] = w
	} else if w.stamp != pair.files.stamp {
		w.stamp = stamp{} // they changed between two reads; look again
	}
	return w
}

// OnChange sets what Run calls when the catalog has changed without Apply: because files
// have, or by certificates that are got on demand.
func (s *Store) OnChange(call func()) { s.onChange.Store(&call) }

// poll takes in what has changed on disk. A pair that cannot be read, or whose halves do not
// belong together, as in the middle of being replaced, leaves the old one serving; it is
// logged once and tried again.
func (s *Store) poll(ctx context.Context) {
	changed := s.settled(ctx)
	if len(changed) == 0 {
		return
	}
	names := make([]Files, len(changed))
	for i, w := range changed {
		names[i] = w.Files
	}
	pairs, errs := LoadPairs(names)
	good := make(map[*watched]*Pair, len(changed))
	for i, w := range changed {
		if errs[i] != nil {
			s.report(w, errs[i])
			continue
		}
		w.problem, w.stamp = "", pairs[i].files.stamp
		good[w] = pairs[i]
	}
	exchanged := s.exchange(good)
	for _, b := range exchanged {
		s.log.Info("certificate files have changed", "names", b.names, "serial", b.entry.pair.Serial)
		s.warn(b.names, b.entry.pair)
	}
	if len(exchanged) > 0 {
		s.hasChanged()
	}
}

// settled returns what has changed on disk and keeps still.
func (s *Store) settled(ctx context.Context) []*watched {
	seen := make(map[*watched]stamp)
	for _, w := range s.current.Load().watched {
		if now := w.look(); now != w.stamp || now == (stamp{}) {
			seen[w] = now
		} else {
			w.problem = "" // it is back as it was
		}
	}
	if len(seen) == 0 {
		return nil
	}
	select {
	case <-ctx.Done():
		return nil
	case <-time.After(settle):
	}
	var still []*watched
	for w, then := range seen {
		if w.look() == then {
			still = append(still, w)
		}
	}
	return still
}

// report logs each distinct problem once.
func (s *Store) report(w *watched, err error) {
	if w.problem == err.Error() {
		return
	}
	w.problem = err.Error()
	s.log.Warn("certificate files have changed and cannot be used; the old certificate stays", "err", err)
}

// exchange serves new pairs where files have changed, and returns where that made a
// difference. What Apply has bound anew meanwhile is left alone: it was read later.
func (s *Store) exchange(changed map[*watched]*Pair) []bound {
	s.mu.Lock()
	defer s.mu.Unlock()
	old := s.current.Load()
	keep, bounds := s.newKeeper(old), slices.Clone(old.bounds)
	var different []bound
	for i := range bounds {
		pair := changed[bounds[i].watched]
		if pair == nil {
			continue
		}
		before, chain := bounds[i].entry, bounds[i].entry.state.Load().plain
		bounds[i].entry = keep.entry(pair, nil)
		if bounds[i].entry != before || before.state.Load().plain != chain {
			different = append(different, bounds[i])
		}
	}
	if len(different) > 0 {
		s.publish(newIndex(old.cfg, bounds))
	}
	return different
}
