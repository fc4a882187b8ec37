package config

import (
	"strconv"
	"strings"

	"dwaar/proxy/accesslog"
	"dwaar/proxy/dwaarfile"
)

// decodeLogFormat reads json, console, or filter with its block.
func decodeLogFormat(l line, c *accesslog.Config) {
	kind := l.Args[0]
	if kind.Text != "filter" {
		c.Format = l.word(kind, accesslog.JSON, accesslog.Console, "filter")
		if l.Block != nil {
			l.problem(kind, "%s has no options", kind.Text)
		}
		return
	}
	if len(l.block()) == 0 {
		l.problem(kind, "write in it which fields to change: FIELD delete")
	}
	l.filters(l.block(), c)
	if err := c.Check(); err != nil && len(c.Filters) > 0 {
		l.checkFilters(c)
	}
}

// filters reads the lines of a filter; `fields { … }` around them is allowed.
func (l line) filters(ds []*dwaarfile.Directive, c *accesslog.Config) {
	for _, d := range ds {
		in := line{Directive: d, b: l.b, of: "filter"}
		switch {
		case d.Name.Text == "wrap" && len(d.Args) == 1:
			c.Format = in.word(d.Args[0], accesslog.JSON, accesslog.Console)
		case d.Name.Text == "fields" && len(d.Args) == 0 && d.Block != nil:
			l.filters(d.Block.Directives, c)
		case len(d.Args) == 0:
			in.problem(d.Name, "write FIELD and delete, replace, hash, ip_mask, query, cookie or regexp")
		default:
			if f, ok := in.filter(); ok {
				in.checkCredential(f)
				c.Filters = append(c.Filters, f)
				l.b.filters = append(l.b.filters, d.Name)
			}
		}
	}
}

// filter reads FIELD FILTER ARGUMENT….
func (l line) filter() (accesslog.Filter, bool) {
	f := accesslog.Filter{Field: l.Name.Text, Do: l.Args[0].Text}
	args, most, block := l.Args[1:], 0, false
	switch f.Do {
	case "delete", "hash":
	case "replace":
		most = 1
	case "regexp":
		most = 2
	case "ip_mask":
		most, f.IPv4, f.IPv6 = 2, 16, 32
		block = l.Block != nil && len(args) == 0
	case "query", "cookie":
		block = true
	case "rename", "multi_regexp":
		l.problem(l.Args[0], "%s is not supported by dwaar", f.Do)
		return f, false
	default:
		l.problem(l.Args[0], "%q is not delete, replace, hash, ip_mask, query, cookie or regexp", f.Do)
		return f, false
	}
	if len(args) > most || f.Do != "ip_mask" && len(args) < most || block != (l.Block != nil) {
		l.problem(l.Args[0], "write %s", usageOfFilter[f.Do])
		return f, false
	}
	switch f.Do {
	case "replace":
		f.Value = args[0].Text
	case "regexp":
		f.Pattern, f.Value = args[0].Text, args[1].Text
	case "ip_mask":
		l.bits(args, &f.IPv4, &f.IPv6)
		l.namedBits(&f)
	case "query", "cookie":
		l.parts(&f)
	}
	return f, true
}

var usageOfFilter = map[string]string{
	"delete": "delete", "hash": "hash", "replace": "replace VALUE", "regexp": "regexp PATTERN VALUE",
	"ip_mask": "ip_mask [IPV4_BITS] [IPV6_BITS], or ip_mask { ipv4 BITS, ipv6 BITS }",
	"query":   "query { delete|replace|hash NAME [VALUE] }", "cookie": "cookie { delete|replace|hash NAME [VALUE] }",
}

// bits reads how much of addresses stays.
func (l line) bits(args []dwaarfile.Token, into ...*int) {
	for i, tok := range args {
		l.bit(tok, []int{32, 128}[i], into[i])
	}
}

func (l line) bit(tok dwaarfile.Token, most int, into *int) {
	n, err := strconv.Atoi(tok.Text)
	if err != nil || n < 0 || n > most {
		l.problem(tok, "%q is not a number of bits from 0 to %d", tok.Text, most)
		return
	}
	*into = n
}

// namedBits reads the block of ip_mask, which says the same.
func (l line) namedBits(f *accesslog.Filter) {
	for _, d := range l.block() {
		bits := map[string]*int{"ipv4": &f.IPv4, "ipv6": &f.IPv6}[d.Name.Text]
		if bits == nil || len(d.Args) != 1 || d.Block != nil {
			l.problem(d.Name, "write %s", usageOfFilter[f.Do])
			continue
		}
		most := map[string]int{"ipv4": 32, "ipv6": 128}[d.Name.Text]
		l.bit(d.Args[0], most, bits)
	}
}

// parts reads the block of query and cookie.
func (l line) parts(f *accesslog.Filter) {
	for _, d := range l.Block.Directives {
		want := map[string]int{"delete": 1, "hash": 1, "replace": 2}[d.Name.Text]
		if want == 0 || len(d.Args) != want || d.Block != nil {
			l.problem(d.Name, "write %s", usageOfFilter[f.Do])
			continue
		}
		part := accesslog.Part{Do: d.Name.Text, Name: d.Args[0].Text}
		if want == 2 {
			part.Value = d.Args[1].Text
		}
		f.Parts = append(f.Parts, part)
	}
}

// checkFilters says what is wrong with each filter at its own place.
func (l line) checkFilters(c *accesslog.Config) {
	for i, f := range c.Filters {
		alone := accesslog.Config{Output: accesslog.Stderr, Filters: []accesslog.Filter{f}}
		at := l.b.filters[len(l.b.filters)-len(c.Filters)+i]
		if l.refuse(at, alone.Check()) {
			continue
		}
		for _, other := range c.Filters[:i] {
			if other.Field == f.Field {
				l.problem(at, "there is a filter for %s already", f.Field)
			}
		}
	}
}

// checkCredential refuses to change what is REDACTED before.
func (l line) checkCredential(f accesslog.Filter) {
	if l.b.config.HTTP.LogCredentials || f.Do == "delete" || f.Do == "replace" {
		return
	}
	for _, name := range []string{"cookie", "set-cookie", "authorization", "proxy-authorization"} {
		if strings.HasSuffix(strings.ToLower(f.Field), "headers>"+name) {
			l.problem(l.Args[0], "it is written as REDACTED, unless servers has log_credentials")
		}
	}
}
