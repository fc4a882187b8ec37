package doctor

import (
	"slices"
	"sync"
)

// atOnce bounds how many are asked at the same time by one check, and most how many
// are asked at all: more would find the same.
const (
	atOnce = 8
	most   = 200
)

// each looks at all items, some at a time, and returns what it finds in their order.
func each[T any](items []T, look func(T) []Finding) []Finding {
	found := make([][]Finding, len(items))
	var group sync.WaitGroup
	room := make(chan struct{}, atOnce)
	for i, item := range items {
		room <- struct{}{}
		group.Go(func() {
			defer func() { <-room }()
			found[i] = look(item)
		})
	}
	group.Wait()
	return slices.Concat(found...)
}
