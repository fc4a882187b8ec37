package accesslog

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"net/netip"
	"net/textproto"
	"net/url"
	"regexp"
	"strings"
)

// Filter changes one field of every line.
type Filter struct {
	// Field is its path: "request>uri", "request>headers>Cookie".
	Field string `json:"field"`
	// Do is delete, replace, hash, ip_mask, query, cookie or regexp. Only
	// texts can be other than deleted.
	Do string `json:"do"`
	// Value takes the place of the field, or of what Pattern matches in it.
	Value   string `json:"value,omitempty"`
	Pattern string `json:"pattern,omitempty"`
	// IPv4 and IPv6 are how many bits of addresses stay.
	IPv4 int `json:"ipv4,omitempty"`
	IPv6 int `json:"ipv6,omitempty"`
	// Parts are the parameters of a query or the cookies to change.
	Parts []Part `json:"parts,omitempty"`
}

// Part is a parameter of a query, or a cookie.
type Part struct {
	// Do is delete, replace or hash.
	Do    string `json:"do"`
	Name  string `json:"name"`
	Value string `json:"value,omitempty"`
}

// change makes another text of a field, or reports false to leave it out.
type change func(text string) (string, bool)

// filters are compiled: by place for what is always there, by name for headers.
type filters struct {
	fields   [fieldCount]change
	request  map[string]change // by header field in canonical form
	response map[string]change
}

func compileFilters(list []Filter) (*filters, error) {
	f := &filters{request: map[string]change{}, response: map[string]change{}}
	var problems []error
	seen := map[string]bool{}
	for _, filter := range list {
		c, err := filter.compile()
		if err == nil && seen[strings.ToLower(filter.Field)] {
			err = errors.New("there is a filter for it already")
		}
		seen[strings.ToLower(filter.Field)] = true
		if err == nil {
			err = f.place(filter, c)
		}
		if err != nil {
			problems = append(problems, fmt.Errorf("access log: filter of %s: %w", filter.Field, err))
		}
	}
	return f, errors.Join(problems...)
}

// place puts a change where its field is written.
func (f *filters) place(filter Filter, c change) error {
	if name, ok := strings.CutPrefix(filter.Field, "request>headers>"); ok {
		f.request[textproto.CanonicalMIMEHeaderKey(name)] = c
		return nil
	}
	if name, ok := strings.CutPrefix(filter.Field, "resp_headers>"); ok {
		f.response[textproto.CanonicalMIMEHeaderKey(name)] = c
		return nil
	}
	for i := range fieldCount {
		if paths[i] != filter.Field {
			continue
		}
		if filter.Do != "delete" && !isText[i] {
			return fmt.Errorf("it can only be deleted")
		}
		f.fields[i] = c
		return nil
	}
	return errors.New("there is no such field")
}

func (filter Filter) compile() (change, error) {
	switch filter.Do {
	case "delete":
		return func(string) (string, bool) { return "", false }, nil
	case "replace":
		return func(string) (string, bool) { return filter.Value, true }, nil
	case "hash":
		return func(text string) (string, bool) { return hash(text), true }, nil
	case "ip_mask":
		return filter.mask()
	case "regexp":
		pattern, err := regexp.Compile(filter.Pattern)
		if err != nil {
			return nil, err
		}
		return func(text string) (string, bool) { return pattern.ReplaceAllString(text, filter.Value), true }, nil
	case "query", "cookie":
		return filter.parts()
	}
	return nil, fmt.Errorf("%q is not delete, replace, hash, ip_mask, query, cookie or regexp", filter.Do)
}

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
