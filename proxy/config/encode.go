package config

import (
	"slices"
	"strconv"
	"strings"

	"dwaar/proxy/dwaarfile"
	"dwaar/proxy/encode"
	"dwaar/proxy/handler"
)

func encodeOptions() table[*encode.Config] {
	return table[*encode.Config]{of: "encode", noun: "option", rows: []row[*encode.Config]{
		{name: "zstd", usage: "[LEVEL]", doc: "offers zstd; fastest, default, better or best", decode: decodeFormat},
		{name: "gzip", usage: "[LEVEL]", doc: "offers gzip; 1 to 9", decode: decodeFormat},
		{name: "br", usage: "[QUALITY]", doc: "offers Brotli; 0 to 11", decode: decodeFormat},
		{name: "minimum_length", usage: "BYTES", doc: "how long a response must be",
			decode: func(l line, c *encode.Config) { c.MinLength = l.number(l.Args[0], 1, encode.MaxMinLength) }},
		{name: "match", usage: "{ … }", doc: "which responses are encoded", decode: decodeEncodeMatch},
	}}
}

func encodeMatchOptions() table[*encode.Match] {
	return table[*encode.Match]{of: "encode match", noun: "option", rows: []row[*encode.Match]{
		{name: "status", usage: "STATUS…", doc: "one of these, 2xx for all of a kind", many: true, decode: decodeMatchStatus},
		{name: "header", usage: "FIELD [VALUE]", doc: "a field the response must have, with one of the values given for it", many: true, decode: decodeMatchHeader},
	}}
}

func decodeEncode(l line, s *scope) {
	set, args, ok := l.matcher()
	if !ok {
		return
	}
	var c encode.Config
	for _, tok := range args {
		l.format(&c, tok, encode.Format{Name: tok.Text})
	}
	l.b.language.encode.read(l.b, l.block(), 0, &c)
	if len(c.Formats) == 0 {
		c.Formats = []encode.Format{{Name: "zstd"}, {Name: "gzip"}}
	}
	s.add(l, l.Name, set, handler.Encode{Config: c})
}

func decodeFormat(l line, c *encode.Config) {
	f, at := encode.Format{Name: l.Name.Text}, l.Name
	if len(l.Args) > 0 {
		at = l.Args[0]
		f.Level = at.Text
	}
	l.format(c, at, f)
}

// format offers a format, unless something is wrong with it.
func (l line) format(c *encode.Config, at dwaarfile.Token, f encode.Format) {
	if l.refuse(at, encode.Config{Formats: []encode.Format{f}}.Check()) {
		return
	}
	if slices.ContainsFunc(c.Formats, func(other encode.Format) bool { return other.Name == f.Name }) {
		l.problem(at, "%s is offered already", f.Name)
		return
	}
	c.Formats = append(c.Formats, f)
}

func decodeEncodeMatch(l line, c *encode.Config) {
	if len(l.block()) == 0 {
		l.problem(l.Name, "status or header is missing")
		return
	}
	var m encode.Match
	l.b.language.encodeMatch.read(l.b, l.block(), 0, &m)
	if len(m.Status)+len(m.Header) > 0 { // else all of it was refused
		c.Match = &m
	}
}

func decodeMatchStatus(l line, m *encode.Match) {
	for _, tok := range l.Args {
		class := len(tok.Text) == 3 && strings.HasSuffix(tok.Text, "xx")
		n, err := strconv.Atoi(strings.TrimSuffix(tok.Text, "xx"))
		if err != nil || class && (n < 2 || n > 5) || !class && (n < 200 || n > 599) {
			l.problem(tok, "%q is neither a status from 200 to 599 nor 2xx to 5xx", tok.Text)
			continue
		}
		m.Status = append(m.Status, n)
	}
}

func decodeMatchHeader(l line, m *encode.Match) {
	field := l.Args[0].Text
	if l.refuse(l.Args[0], encode.Config{Match: &encode.Match{Header: []encode.HeaderMatch{{Field: field}}}}.Check()) {
		return
	}
	i := slices.IndexFunc(m.Header, func(h encode.HeaderMatch) bool { return strings.EqualFold(h.Field, field) })
	if i < 0 {
		i = len(m.Header)
		m.Header = append(m.Header, encode.HeaderMatch{Field: field})
	}
	if len(l.Args) > 1 {
		m.Header[i].Values = append(m.Header[i].Values, l.Args[1].Text)
	}
}
