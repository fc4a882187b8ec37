// Package ratelimit counts what each of many has done of late.
package ratelimit

import (
	"cmp"
	"errors"
	"fmt"
	"net/netip"
	"time"
)

const (
	// DefaultMaxKeys is how many keys a zone knows: some 28 MB.
	DefaultMaxKeys = 100_000
	// MaxKeys is the most that MaxKeys of a zone may be.
	MaxKeys = 10_000_000
	// MaxEvents is the most that Events of a zone may be.
	MaxEvents = 1_000_000_000
	// MinWindow and MaxWindow bound Window.
	MinWindow = 10 * time.Millisecond
	MaxWindow = 366 * 24 * time.Hour
	// An IPv6 client has a whole /64 to choose addresses from.
	defaultIPv4Prefix = 32
	defaultIPv6Prefix = 64
)

// Zone is a limit as data. Zones that are equal are one, and count together.
type Zone struct {
	Name string `json:"name"`
	// Key is a text with placeholders; each of its values is counted for itself.
	Key string `json:"key"`
	// Events are allowed in each Window.
	Events int           `json:"events"`
	Window time.Duration `json:"window"`
	// IPv4Prefix and IPv6Prefix are how many bits of a value that is an address count; zero
	// means 32 and 64.
	IPv4Prefix int `json:"ipv4_prefix,omitempty"`
	IPv6Prefix int `json:"ipv6_prefix,omitempty"`
	// MaxKeys bounds the values that are known at the same time; zero means DefaultMaxKeys.
	MaxKeys int `json:"max_keys,omitempty"`
}

// Check reports everything that is wrong with z.
func (z Zone) Check() error {
	var problems []error
	add := func(wrong bool, format string, args ...any) {
		if wrong {
			problems = append(problems, fmt.Errorf(format, args...))
		}
	}
	if z.Name == "" {
		problems = append(problems, errors.New("a zone has a name"))
	}
	add(z.Key == "", "key is missing: write key {client_ip}, or key all for one count of everybody's")
	add(z.Events == 0, "events is missing: how many are allowed in each window")
	add(z.Window == 0, "window is missing: the time in which the events are counted")
	add(z.Events < 0 || z.Events > MaxEvents, "events is not from 1 to %d: %d", MaxEvents, z.Events)
	add(z.Window != 0 && (z.Window < MinWindow || z.Window > MaxWindow), "window is not from %v to 366d: %v", MinWindow, z.Window)
	add(z.IPv4Prefix < 0 || z.IPv4Prefix > 32, "ipv4_prefix is not from 1 to 32: %d", z.IPv4Prefix)
	add(z.IPv6Prefix < 0 || z.IPv6Prefix > 128, "ipv6_prefix is not from 1 to 128: %d", z.IPv6Prefix)
	add(z.MaxKeys < 0 || z.MaxKeys > MaxKeys, "max_keys is not from 1 to %d: %d", MaxKeys, z.MaxKeys)
	return errors.Join(problems...)
}

func (z Zone) withDefaults() Zone {
	z.IPv4Prefix = cmp.Or(z.IPv4Prefix, defaultIPv4Prefix)
	z.IPv6Prefix = cmp.Or(z.IPv6Prefix, defaultIPv6Prefix)
	z.MaxKeys = cmp.Or(z.MaxKeys, DefaultMaxKeys)
	return z
}

// network is what of an address counts.
func (z *Zone) network(addr netip.Addr) netip.Prefix {
	addr = addr.Unmap().WithZone("")
	bits := z.IPv6Prefix
	if addr.Is4() {
		bits = z.IPv4Prefix
	}
	prefix, err := addr.Prefix(bits)
	if err != nil { // no address at all
		return netip.Prefix{}
	}
	return prefix
}
