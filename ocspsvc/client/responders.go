package client

import (
	"crypto/x509"
	"net/url"
	"slices"
	"strings"
)

// maxURLs bounds the URLs of a certificate that are looked at.
const maxURLs = 8

// Responders are the URLs that Fetch asks about leaf, in order: those of its AIA
// extension, after the overrides.
func (c *Client) Responders(leaf, issuer *x509.Certificate) []string {
	var urls []string
	for _, o := range c.overrides {
		if o.covers(issuer) {
			urls = append(urls, o.to)
		}
	}
	if len(urls) > 0 {
		return distinct(urls)
	}
	for _, raw := range leaf.OCSPServer {
		urls = append(urls, c.replaced(raw)...)
	}
	return distinct(urls)
}

// replaced is what overrides make of one URL.
func (c *Client) replaced(raw string) []string {
	var urls []string
	for _, o := range c.overrides {
		if o.replaces(raw) {
			urls = append(urls, o.to)
		}
	}
	if len(urls) == 0 {
		return []string{raw}
	}
	return urls
}

// distinct drops repeated URLs and those of other protocols, such as ldap, of
// which certificates are full and which nobody can be asked by.
func distinct(urls []string) []string {
	var kept []string
	for _, raw := range urls {
		if !slices.Contains(kept, raw) && overHTTP(raw) && len(kept) < maxURLs {
			kept = append(kept, raw)
		}
	}
	return kept
}

// overHTTP keeps what does not parse: the guard's refusal says more about it.
func overHTTP(raw string) bool {
	u, err := url.Parse(raw)
	return err != nil || strings.HasPrefix(u.Scheme, "http") || u.Scheme == ""
}
