package config_test

import (
	"slices"
	"testing"

	"dwaar/proxy/config"
)

// caddys is the order in which Caddy 2.11 runs its directives. What dwaar adds
// stands where rate_limit and ip_filter do.
var caddys = []string{
	"map", "vars", "fs", "root", "log_append", "log_skip", "log_name", "header", "copy_response_headers", "request_body",
	"ip_filter", "rate_limit", "redir", "method", "rewrite", "uri", "try_files", "basic_auth", "forward_auth", "request_header",
	"encode", "push", "intercept", "templates", "invoke", "handle", "handle_path", "route", "abort", "error", "copy_response",
	"respond", "ocsp_responder", "ocsp_relay", "metrics", "reverse_proxy", "php_fastcgi", "file_server", "acme_server",
}

func TestDirectivesStandInCaddysOrder(t *testing.T) {
	last := -1
	for _, e := range config.Language() {
		i := slices.Index(caddys, e.Name)
		if e.Section != "Directives" || e.Refused || i < 0 {
			continue
		}
		if i < last {
			t.Errorf("%s stands behind %s", e.Name, caddys[last])
		}
		last = max(i, last)
	}
}
