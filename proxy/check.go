package proxy

import (
	"cmp"
	"errors"
	"fmt"
	"strings"
	"time"

	"dwaar/proxy/accesslog"
)

const (
	defaultGrace      = 10 * time.Second
	defaultMaxHeader  = 128 << 10
	defaultReadHeader = 10 * time.Second
	defaultIdle       = 5 * time.Minute
	defaultHandshake  = 10 * time.Second
)

// Check reports everything that is wrong with c, as far as it can be told
// without opening files and binding addresses. [Server.Prepare] tells the rest.
func (c Config) Check() error { return c.withDefaults().check() }

// withDefaults is c with its zero values filled in.
func (c Config) withDefaults() Config {
	c.GracePeriod = cmp.Or(c.GracePeriod, defaultGrace)
	c.MaxHeaderBytes = cmp.Or(c.MaxHeaderBytes, defaultMaxHeader)
	if len(c.Protocols) == 0 {
		c.Protocols = []string{HTTP1, HTTP2, HTTP3}
	}
	c.Timeouts.ReadHeader = cmp.Or(c.Timeouts.ReadHeader, defaultReadHeader)
	c.Timeouts.Idle = cmp.Or(c.Timeouts.Idle, defaultIdle)
	c.Timeouts.Handshake = cmp.Or(c.Timeouts.Handshake, defaultHandshake)
	return c
}

func (c Config) check() error {
	var problems []error
	for _, d := range []struct {
		name  string
		value time.Duration
	}{
		{"grace_period", c.GracePeriod},
		{"read_header", c.Timeouts.ReadHeader},
		{"read_body", c.Timeouts.ReadBody},
		{"write", c.Timeouts.Write},
		{"idle", c.Timeouts.Idle},
		{"handshake", c.Timeouts.Handshake},
	} {
		if d.value < 0 {
			problems = append(problems, fmt.Errorf("%s is negative: %v", d.name, d.value))
		}
	}
	if c.MaxHeaderBytes < 0 {
		problems = append(problems, fmt.Errorf("max_header_bytes is negative: %d", c.MaxHeaderBytes))
	}
	problems = append(problems, checkProtocols(c.Protocols), c.Trust.check())
	for _, name := range c.ExpectedFields {
		problems = append(problems, CheckExpectedField(name))
	}
	seen := make(map[string]bool)
	for _, l := range c.Listeners {
		if seen[l.Address] {
			problems = append(problems, fmt.Errorf("listener %s is there twice", l.Address))
		}
		seen[l.Address] = true
		problems = append(problems, l.check())
	}
	return errors.Join(problems...)
}

func (l Listener) check() error {
	var problems []error
	for _, s := range l.Sites {
		for _, host := range s.Hosts {
			if _, err := parseHost(host); err != nil {
				problems = append(problems, fmt.Errorf("%s: %w", s.name(l), err))
			}
		}
		for _, log := range s.Logs {
			if err := log.Check(); err != nil {
				problems = append(problems, fmt.Errorf("%s: %w", s.name(l), err))
			}
		}
	}
	return errors.Join(problems...)
}

// name is how messages call a site.
func (s Site) name(l Listener) string {
	hosts := strings.Join(s.Hosts, ", ")
	if hosts == "" {
		hosts = "any host"
	}
	return fmt.Sprintf("site %s%s on %s", hosts, s.Path, l.Address)
}

// hosts are the hosts as the table spells them, each once. They were checked.
func (s Site) hosts() []string {
	if len(s.Hosts) == 0 {
		return []string{""}
	}
	var hosts []string
	seen := make(map[string]bool)
	for _, written := range s.Hosts {
		if host, err := parseHost(written); err == nil && !seen[host] {
			seen[host] = true
			hosts = append(hosts, host)
		}
	}
	return hosts
}

// logs are the access logs of all sites.
func (c Config) logs() []accesslog.Config {
	var all []accesslog.Config
	for _, l := range c.Listeners {
		for _, s := range l.Sites {
			all = append(all, s.Logs...)
		}
	}
	return all
}
