package mirror

import (
	"maps"
	"slices"
)

// maxNews bounds the keys that OnChange hears of at a time. With more, anything may have changed.
const maxNews = 4096

// news is what others have changed and OnChange has not heard of.
type news struct {
	keys map[string]struct{}
	all  bool
}

// learn remembers that somebody else has changed a key.
func (m *Mirror) learn(key string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.counts.changes.Inc()
	if len(m.news.keys) >= maxNews {
		m.news.all = true
		return
	}
	if m.news.keys == nil {
		m.news.keys = map[string]struct{}{}
	}
	m.news.keys[key] = struct{}{}
}

// learnAll remembers that anything may have changed.
func (m *Mirror) learnAll() {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.news.all = true
}

// tell calls OnChange.
func (m *Mirror) tell() {
	m.mu.Lock()
	heard := m.news
	m.news = news{}
	m.mu.Unlock()
	switch {
	case heard.all:
		m.onChange(nil, true)
	case len(heard.keys) > 0:
		m.onChange(slices.Sorted(maps.Keys(heard.keys)), false)
	}
}
