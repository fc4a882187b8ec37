package accesslog

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"net/netip"
	"net/url"
	"strings"
)

// hash is short: enough to tell values apart, too little to be sure of one.
func hash(text string) string {
	sum := sha256.Sum256([]byte(text))
	return hex.EncodeToString(sum[:4])
}

// mask keeps the first bits of the addresses in a list of them.
func (filter Filter) mask() (change, error) {
	if filter.IPv4 < 0 || filter.IPv4 > 32 || filter.IPv6 < 0 || filter.IPv6 > 128 {
		return nil, errors.New("a mask is at most 32 bits of an IPv4 address and 128 of an IPv6 address")
	}
	one := func(text string) string {
		text = strings.TrimSpace(text)
		addr, err := netip.ParseAddr(text)
		if at, portErr := netip.ParseAddrPort(text); err != nil && portErr == nil {
			addr, err = at.Addr(), nil
		}
		if err != nil {
			return hash(text) // not an address, and perhaps one all the same
		}
		bits := filter.IPv6
		if addr = addr.Unmap(); addr.Is4() {
			bits = filter.IPv4
		}
		masked, _ := addr.WithZone("").Prefix(bits)
		return masked.Addr().String()
	}
	return func(text string) (string, bool) {
		if text == "" {
			return "", true
		}
		list := strings.Split(text, ",")
		for i := range list {
			list[i] = one(list[i])
		}
		return strings.Join(list, ", "), true
	}, nil
}

// parts changes parameters or cookies by name.
func (filter Filter) parts() (change, error) {
	by := map[string]Part{}
	for _, p := range filter.Parts {
		if p.Do != "delete" && p.Do != "replace" && p.Do != "hash" {
			return nil, fmt.Errorf("%q is not delete, replace or hash", p.Do)
		}
		by[p.Name] = p
	}
	if len(by) == 0 {
		return nil, errors.New("it names nothing to change")
	}
	if filter.Do == "cookie" {
		return func(text string) (string, bool) { return changeParts(text, ";", "; ", by, same), true }, nil
	}
	return func(text string) (string, bool) {
		path, query, found := strings.Cut(text, "?")
		if !found {
			return text, true
		}
		if query = changeParts(query, "&", "&", by, unescaped); query == "" {
			return path, true
		}
		return path + "?" + query, true
	}, nil
}

func same(name string) string { return name }

// unescaped is a name as the upstream will understand it: no escape hides it.
func unescaped(name string) string {
	if plain, err := url.QueryUnescape(name); err == nil {
		return plain
	}
	return name
}

// changeParts changes those of NAME=VALUE, NAME=VALUE that by names.
func changeParts(text, separator, join string, by map[string]Part, plain func(string) string) string {
	var kept []string
	for part := range strings.SplitSeq(text, separator) {
		part = strings.TrimSpace(part)
		name, value, _ := strings.Cut(part, "=")
		switch p := by[plain(name)]; p.Do {
		case "delete":
			continue
		case "replace":
			part = name + "=" + p.Value
		case "hash":
			part = name + "=" + hash(value)
		}
		kept = append(kept, part)
	}
	return strings.Join(kept, join)
}
