package accesslog

import (
	"errors"
	"fmt"
	"net/textproto"
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
