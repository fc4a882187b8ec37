package acme

import (
	"reflect"
	"time"
)

// Reconfigure goes on with another config, as after a reload. Names that are new start at
// once; Load before listening gives them what is stored. Those that are gone are forgotten,
// their files stay. Names whose policy has changed keep their certificate until there is
// one of the new policy; a new key type or must-staple counts from the next certificate on.
// What has been failing is tried again soon: that may be what was changed. A config that New
// would refuse changes nothing.
func (m *Manager) Reconfigure(cfg Config) error {
	cfg, err := cfg.withDefaults()
	if err != nil {
		return err
	}
	m.mu.Lock()
	m.apply(cfg)
	m.mu.Unlock()
	m.nudge()
	return nil
}

// What is to be tried at the same time begins within startGap for each, but for the first
// ones, and within startWithin for all.
const (
	startGap    = 50 * time.Millisecond
	startWithin = time.Minute
)

// apply wants m.mu held, as do the others here.
func (m *Manager) apply(cfg Config) {
	m.cfg = cfg
	names := map[string]Policy{}
	for _, p := range cfg.Policies {
		for _, name := range p.Names {
			names[name] = p
		}
	}
	for _, e := range m.entries {
		m.review(e, names)
	}
	for name, p := range names {
		if m.entries[name] == nil {
			m.entries[name] = newEntry(name, p)
		}
	}
	m.start()
}

// review does to an entry what the new config says.
func (m *Manager) review(e *entry, names map[string]Policy) {
	p, named := names[e.name]
	if named && e.onDemand {
		m.becomeNamed(e)
	}
	if e.onDemand && m.cfg.OnDemand != nil {
		p, named = matchPolicy(m.cfg.OnDemand.Policies, e.name)
	}
	if !named {
		m.forget(e)
		return
	}
	if !samePolicy(e.policy, p) {
		e.unsaved = nil
		e.stale = e.cert != nil || e.busy != nil // an order that is under way is one of the old policy
	}
	e.follow(p)
}

// becomeNamed makes an on-demand entry one that is kept without anybody's asking.
func (m *Manager) becomeNamed(e *entry) {
	if e.cert != nil {
		m.demands--
	} else {
		e.trouble = ErrPending
	}
	e.onDemand = false
	m.arrived(e)
}

// start plans what has nothing yet, or has been failing, for soon.
func (m *Manager) start() {
	var soon []*entry
	for _, e := range m.entries {
		pending := e.onDemand && e.cert == nil // on its way already
		if !pending && (e.cert == nil || e.trouble != nil || e.stale) {
			soon = append(soon, e)
		}
		m.settle(e)
	}
	within := min(time.Duration(max(len(soon)-m.cfg.Concurrent, 0))*startGap, startWithin)
	for _, e := range soon {
		e.nextTry = time.Now().Add(spread(within)).Round(0)
		m.settle(e)
	}
}

// forget takes e out of everything. A job that is going on for it ends by itself.
func (m *Manager) forget(e *entry) {
	e.gone = true
	e.leave()
	delete(m.entries, e.name)
	if e.cert != nil {
		delete(m.leaves, fingerprint(e.cert))
		if e.onDemand {
			m.demands--
		}
	}
	if e.trouble == nil {
		e.trouble = ErrNotPermitted
	}
	m.arrived(e)
}

// samePolicy compares how certificates are got, not for which names.
func samePolicy(a, b Policy) bool {
	a.Names, b.Names = nil, nil
	return reflect.DeepEqual(a, b)
}
