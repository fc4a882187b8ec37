package mirror

import (
	"context"
	"slices"
)

// fill makes the local copy whole: every key of the shared storage, and no other. A copy that is
// whole already knows its values from the changes, so only the names are compared: a process that
// was killed between the two storages may have left one too few.
func (m *Mirror) fill(ctx context.Context) error {
	whole := m.whole()
	var theirs []string
	err := m.try(ctx, listWait, func(ctx context.Context) (err error) {
		theirs, err = m.shared.List(ctx, "", true)
		return err
	})
	if err != nil {
		return err
	}
	mine, err := m.copy.list(ctx, "", true)
	if err != nil {
		m.failed(err)
		return err
	}
	differ := difference(mine, theirs)
	if whole {
		differ = append(differ, difference(theirs, mine)...)
	} else {
		differ = append(differ, theirs...)
	}
	err = m.each(ctx, differ, func(ctx context.Context, name string) error { return m.refresh(ctx, name, false) })
	if err == nil && !whole {
		m.setWhole(true)
		m.log.Info("the local copy of the shared storage is whole", "count", len(theirs))
	}
	return err
}

// difference is what a has and b has not. Both are sorted.
func difference(a, b []string) (only []string) {
	for _, key := range a {
		at, has := slices.BinarySearch(b, key)
		if b = b[at:]; !has {
			only = append(only, key)
		}
	}
	return only
}
