package upstream

import (
	"cmp"
	"context"
	"errors"
	"log/slog"
	"net"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"time"
)

// lookup keeps asking the DNS. While it gets no answer, the last one holds: an
// outage of the DNS is none of the upstreams.
type lookup struct {
	config   Dynamic
	resolver *net.Resolver
	log      *slog.Logger
	found    atomic.Pointer[[]string] // host:port, sorted; nil before the first answer
	first    chan struct{}            // closed when found is set
	failing  bool                     // owned by run
}

func newLookup(d Dynamic, log *slog.Logger) *lookup {
	l := &lookup{config: d, resolver: new(net.Resolver), log: log, first: make(chan struct{})}
	if len(d.Resolvers) == 0 {
		return l
	}
	var turns atomic.Uint32
	l.resolver.PreferGo = true
	l.resolver.Dial = func(ctx context.Context, network, _ string) (net.Conn, error) {
		address, err := resolverAddress(d.Resolvers[int(turns.Add(1)-1)%len(d.Resolvers)])
		if err != nil {
			return nil, err
		}
		return new(net.Dialer).DialContext(ctx, network, address)
	}
	return l
}

// run looks up at once and then in every interval, until ctx ends.
func (l *lookup) run(ctx context.Context) {
	tick := time.NewTicker(cmp.Or(l.config.Refresh, defaultRefresh))
	defer tick.Stop()
	for {
		l.refresh(ctx)
		wait := tick.C
		if l.found.Load() == nil {
			wait = time.After(leastRefresh) // nobody is served meanwhile
		}
		select {
		case <-ctx.Done():
			return
		case <-wait:
		}
	}
}

func (l *lookup) refresh(ctx context.Context) {
	bounded, cancel := context.WithTimeout(ctx, lookupTimeout)
	defer cancel()
	found, err := l.ask(bounded)
	if err == nil && len(found) == 0 {
		err = errors.New("no address")
	}
	switch {
	case ctx.Err() != nil:
	case err != nil:
		if !l.failing {
			l.log.WarnContext(ctx, "upstreams cannot be looked up, the last ones stay", "name", l.config.Name, "err", err)
		}
		l.failing = true
	default:
		l.failing = false
		l.take(ctx, found)
	}
}

// take goes over to what was found, if it is something else.
func (l *lookup) take(ctx context.Context, found []string) {
	slices.Sort(found)
	found = slices.Compact(found)
	if len(found) > mostAddresses {
		found = found[:mostAddresses]
	}
	before := l.found.Load()
	if before != nil && slices.Equal(*before, found) {
		return
	}
	l.found.Store(&found)
	if before == nil {
		close(l.first)
	}
	l.log.InfoContext(ctx, "upstreams were looked up", "name", l.config.Name, "upstreams", found)
}

// ask asks once.
func (l *lookup) ask(ctx context.Context) (found []string, err error) {
	if l.config.Kind == "srv" {
		_, records, err := l.resolver.LookupSRV(ctx, "", "", l.config.Name)
		for _, r := range records {
			found = append(found, net.JoinHostPort(strings.TrimSuffix(r.Target, "."), strconv.Itoa(int(r.Port))))
		}
		return found, err
	}
	addresses, err := l.resolver.LookupNetIP(ctx, l.config.network(), l.config.Name)
	for _, a := range addresses {
		found = append(found, net.JoinHostPort(a.Unmap().String(), strconv.Itoa(cmp.Or(l.config.Port, 80))))
	}
	return found, err
}

// now is what was found last, nil if nothing was. The first requests wait for
// the first answer, as long as they would wait for a connection.
func (l *lookup) now(ctx context.Context) *[]string {
	if found := l.found.Load(); found != nil {
		return found
	}
	timer := time.NewTimer(defaultDialTimeout)
	defer timer.Stop()
	select {
	case <-l.first:
	case <-timer.C:
	case <-ctx.Done():
	}
	return l.found.Load()
}
