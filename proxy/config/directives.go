package config

import (
	"strings"

	"dwaar/acme"
	"dwaar/acme/dns"
	"dwaar/acme/issuing"
	"dwaar/ocspsvc/relay"
	"dwaar/ocspsvc/responder"
	"dwaar/proxy"
	"dwaar/proxy/accesslog"
	"dwaar/proxy/admin"
	"dwaar/proxy/encode"
	"dwaar/proxy/files"
	"dwaar/proxy/handler"
	"dwaar/proxy/logfile"
	"dwaar/proxy/ratelimit"
	"dwaar/proxy/tlspolicy"
	"dwaar/proxy/upstream"
)

// language is every word of a Dwaarfile. What is in no table is refused.
type language struct {
	global    table[*builder]
	site      table[*scope]
	matcher   table[*definition]
	tls       table[*issuance]
	auth      table[*tlspolicy.ClientAuth]
	stapling  table[*Stapling]
	issuer    table[*issuing.IssuerConfig]
	rfc2136   table[*dns.RFC2136Config]
	eab       table[*issuing.EAB]
	onDemand  table[*acme.OnDemand]
	ocsp      table[*builder]
	adminOpts table[*admin.Config]
	servers   table[*builder]
	timeouts  table[*proxy.Timeouts]
	log       table[*Log]
	accessLog table[*accesslog.Config]
	roll      table[*logfile.Options]
	respond   table[*handler.Respond]
	failure   table[*handler.Error]
	proxyOpts table[*proxying]
	transport table[*upstream.Transport]
	policy    table[*upstream.Policy]
	dynamic   table[*lookedUp]
	ipFilter  table[*handler.IPFilter]
	rateLimit table[*handler.RateLimit]
	zone      table[*ratelimit.Zone]
	askAuth   table[*handler.ForwardAuth]

	encode      table[*encode.Config]
	encodeMatch table[*encode.Match]
	fileServer  table[*files.Config]
	requestBody table[*handler.RequestBody]
	tryFiles    table[*handler.TryFiles]
	fileMatcher table[*files.Try]

	ocspResponder   table[*responding]
	responderLimits table[*responder.Limits]
	ocspRelay       table[*relaying]
	relayLimits     table[*relay.Limits]

	storage    table[*SharedStorage]
	storageTLS table[*SharedStorage]
}

func newLanguage() *language {
	return &language{
		global:      globalOptions(),
		site:        siteDirectives(),
		matcher:     matchers(),
		tls:         tlsOptions(),
		auth:        clientAuthOptions(),
		stapling:    staplingOptions(),
		ocsp:        ocspOptions(),
		issuer:      issuerOptions(),
		rfc2136:     rfc2136Options(),
		eab:         eabOptions(),
		onDemand:    onDemandOptions(),
		adminOpts:   adminOptions(),
		servers:     serversOptions(),
		timeouts:    timeoutOptions(),
		log:         logOptions(),
		accessLog:   accessLogOptions(),
		roll:        rollOptions(),
		respond:     respondOptions(),
		failure:     errorOptions(),
		proxyOpts:   reverseProxyOptions(),
		transport:   transportOptions(),
		policy:      policyOptions(),
		dynamic:     dynamicOptions(),
		ipFilter:    ipFilterOptions(),
		rateLimit:   rateLimitOptions(),
		zone:        zoneOptions(),
		askAuth:     forwardAuthOptions(),
		encode:      encodeOptions(),
		encodeMatch: encodeMatchOptions(),
		fileServer:  fileServerOptions(),
		requestBody: requestBodyOptions(),
		tryFiles:    tryFilesOptions(),
		fileMatcher: fileMatcherOptions(),

		ocspResponder:   ocspResponderOptions(),
		responderLimits: responderLimits(),
		ocspRelay:       ocspRelayOptions(),
		relayLimits:     relayLimits(),

		storage:    storageOptions(),
		storageTLS: storageTLSOptions(),
	}
}

func globalOptions() table[*builder] {
	return table[*builder]{noun: "global option", rows: append([]row[*builder]{
		{name: "http_port", usage: "PORT", doc: "port for sites without TLS and for redirects to https", decode: decodeHTTPPort},
		{name: "https_port", usage: "PORT", doc: "port for sites with TLS", decode: decodeHTTPSPort},
		{name: "default_bind", usage: "ADDRESS…", doc: "addresses that sites without bind listen on", decode: decodeDefaultBind},
		{name: "default_sni", usage: "NAME", doc: "the name assumed for clients that send none, or one without a site", decode: decodeDefaultSNI},
		{name: "auto_https", usage: "off|disable_redirects", doc: "off: certificates only where a site says tls; both: no redirects from http to https", decode: decodeAutoHTTPS},
		{name: "email", usage: "EMAIL", doc: "the contact of the account at the CA", decode: decodeEmail},
		{name: "acme_ca", usage: "URL", doc: "the directory of the CA that certificates are got from", decode: decodeACMECA},
		{name: "acme_ca_root", usage: "FILE", doc: "the root that the HTTPS of acme_ca is trusted by", decode: decodeACMECARoot},
		{name: "acme_eab", usage: "{ … }", doc: "the account that the CA has given to its customer", decode: decodeACMEEAB},
		{name: "on_demand_tls", usage: "{ … }", doc: "who permits certificates that are got when a client asks for them", decode: decodeOnDemandTLS},
		{name: "storage", usage: "file_system|redis DIR|URL [{ … }]", doc: "where certificates, keys and staples are kept", decode: decodeStorage},
		{name: "cache_size", usage: "NUMBER", doc: "how many certificates that can be loaded again stay in memory", decode: decodeCacheSize},
		{name: "admin", usage: "unix//PATH|ADDRESS|off [{ … }]", doc: "where the operator's commands are taken", decode: decodeAdmin},
		{name: "grace_period", usage: "DURATION", doc: "how long requests may go on after a stop or a reload", decode: decodeGracePeriod},
		{name: "log", usage: "[{ … }]", doc: "where dwaar's own log goes", decode: decodeLog},
		{name: "local_certs", doc: "certificates come from the local CA, unless a site names another", decode: func(l line, b *builder) { b.ca.local = l.Name }},
		{name: "metrics", doc: "counts requests", decode: func(_ line, b *builder) { b.config.HTTP.Metrics = true }},
		{name: "debug", doc: "log at level debug", decode: decodeDebug},
		{name: "servers", usage: "{ … }", doc: "what holds for every listener", decode: decodeServers},
		{name: "ocsp", usage: "{ … }", doc: "how staples are kept fresh", decode: decodeOCSP},
		{name: "import", usage: "SNIPPET|FILE|PATTERN [ARGUMENT…] [{ … }]", doc: "the lines of a snippet or of files", many: true, decode: spliced[*builder]},
		{name: "ocsp_stapling", instead: "to leave a certificate without a staple, write tls CERT KEY { ocsp off }"},
	},
		refused[*builder](
			"acme_dns",
			"cert_issuer",
			"cert_lifetime",
			"dns",
			"ech",
			"events",
			"fallback_sni",
			"filesystem",
			"frankenphp",
			"key_type",
			"layer4",
			"ocsp_interval",
			"order",
			"persist_config",
			"pki",
			"preferred_chains",
			"renew_interval",
			"renewal_window_ratio",
			"shutdown_delay",
			"skip_install_trust",
			"storage_check",
			"storage_clean_interval",
			"tls_automate_names",
			"tls_resolvers",
		)...)}
}

func serversOptions() table[*builder] {
	return table[*builder]{of: "servers", noun: "option", rows: append([]row[*builder]{
		{name: "protocols", usage: "h1|h2|h3…", doc: "what is spoken; h2 and h3 with TLS only", decode: decodeSpoken},
		{name: "trusted_proxies", usage: "static NETWORK|private_ranges…", doc: "the proxies whose word is taken for who the client is", decode: decodeTrustedProxies},
		{name: "client_ip_headers", usage: "FIELD…", doc: "where trusted proxies name the client; the first field that is there counts", decode: decodeClientIPHeaders},
		{name: "trusted_proxies_strict", doc: "the right-most address that is no trusted proxy is the client's, not the left-most one",
			decode: func(_ line, b *builder) { b.config.HTTP.Trust.Strict = true }},
		{name: "expected_underscore_headers", usage: "FIELD…", doc: "fields of requests that are kept although their names have a _", many: true, decode: decodeExpectedFields},
		{name: "expected_dot_headers", usage: "FIELD…", doc: "fields of requests that are kept although their names have a dot", many: true, decode: decodeExpectedFields},
		{name: "max_header_size", usage: "SIZE", doc: "the largest request line and header", decode: decodeMaxHeaderSize},
		{name: "log_credentials", doc: "access logs have cookies and authorizations as they are", decode: func(_ line, b *builder) { b.config.HTTP.LogCredentials = true }},
		{name: "timeouts", usage: "{ … }", doc: "how long clients may take", decode: decodeTimeouts},
		{name: "listener_wrappers", instead: "the PROXY protocol is not spoken; where clients come through another proxy, trusted_proxies finds them"},
	}, refused[*builder](
		"0rtt",
		"enable_full_duplex",
		"keepalive_count",
		"keepalive_idle",
		"keepalive_interval",
		"metrics",
		"name",
		"packet_conn_wrappers",
		"strict_sni_host",
		"trace",
		"trusted_proxies_unix",
	)...)}
}

func timeoutOptions() table[*proxy.Timeouts] {
	return table[*proxy.Timeouts]{of: "timeouts", noun: "option", rows: append([]row[*proxy.Timeouts]{
		{name: "read_header", usage: "DURATION", doc: "for the header of one request",
			decode: func(l line, t *proxy.Timeouts) { t.ReadHeader = l.period(l.Args[0]) }},
		{name: "read_body", usage: "DURATION", doc: "for the body of one request",
			decode: func(l line, t *proxy.Timeouts) { t.ReadBody = l.period(l.Args[0]) }},
		{name: "write", usage: "DURATION", doc: "for one response, streams included",
			decode: func(l line, t *proxy.Timeouts) { t.Write = l.period(l.Args[0]) }},
		{name: "idle", usage: "DURATION", doc: "between two requests of a connection",
			decode: func(l line, t *proxy.Timeouts) { t.Idle = l.period(l.Args[0]) }},
	}, refused[*proxy.Timeouts]("read_body_idle", "write_idle", "write_max_chunk")...)}
}

func adminOptions() table[*admin.Config] {
	return table[*admin.Config]{of: "admin", noun: "option", rows: append([]row[*admin.Config]{
		{name: "token", usage: "TOKEN", doc: "the bearer token that requests over TCP must carry", decode: decodeToken},
	}, refused[*admin.Config]("enforce_origin", "origins")...)}
}

func logOptions() table[*Log] {
	return table[*Log]{of: "log", noun: "option", rows: append([]row[*Log]{
		{name: "output", usage: "stdout|stderr|discard|file [PATH] [{ … }]", doc: "where the lines go", decode: decodeLogOutput},
		{name: "format", usage: "text|json", doc: "what a line looks like",
			decode: func(l line, log *Log) { log.Format = l.word(l.Args[0], "text", "json") }},
		{name: "level", usage: "debug|info|warn|error", doc: "the least important lines that are written", decode: decodeLevel},
	}, refused[*Log]("exclude", "include", "sampling")...)}
}

func accessLogOptions() table[*accesslog.Config] {
	return table[*accesslog.Config]{of: "log", noun: "option", rows: append([]row[*accesslog.Config]{
		{name: "output", usage: "stdout|stderr|discard|file [PATH] [{ … }]", doc: "where the lines go", decode: decodeAccessLogOutput},
		{name: "format", usage: "json|console|filter [{ … }]", doc: "what a line looks like, and what it leaves out", decode: decodeLogFormat},
		{name: "level", usage: "debug|info|warn|error", doc: "the least important requests that are recorded",
			decode: func(l line, c *accesslog.Config) { c.Level = l.level() }},
	}, refused[*accesslog.Config]("hostnames", "no_hostname", "sampling")...)}
}

func rollOptions() table[*logfile.Options] {
	return table[*logfile.Options]{of: "output", noun: "option", rows: append([]row[*logfile.Options]{
		{name: "roll_size", usage: "SIZE", doc: "how large a file gets",
			decode: func(l line, o *logfile.Options) { o.RollSize = l.size(l.Args[0], 1<<10, 1<<40) }},
		{name: "roll_interval", usage: "DURATION", doc: "also rotates at every multiple of this time, in UTC",
			decode: decodeRollInterval},
		{name: "roll_keep", usage: "NUMBER", doc: "how many old files stay",
			decode: func(l line, o *logfile.Options) { o.RollKeep = l.number(l.Args[0], 1, 1_000_000) }},
		{name: "roll_keep_for", usage: "DURATION", doc: "how long an old file stays",
			decode: func(l line, o *logfile.Options) { o.RollKeepFor = l.period(l.Args[0]) }},
		{name: "roll_uncompressed", doc: "old files stay as they are, without gzip",
			decode: func(_ line, o *logfile.Options) { o.RollUncompressed = true }},
		{name: "roll_disabled", doc: "leaves rotation to others",
			decode: func(_ line, o *logfile.Options) { o.RollDisabled = true }},
		{name: "mode", usage: "MODE", doc: "the mode of the files, in octal digits", decode: decodeRollMode},
	}, refused[*logfile.Options]("backup_time_format", "dir_mode", "roll_at", "roll_compression", "roll_gzip", "roll_local_time", "roll_minutes")...)}
}

func ocspOptions() table[*builder] {
	return table[*builder]{of: "ocsp", noun: "option", rows: []row[*builder]{
		{name: "refresh_every", usage: "DURATION", doc: "the longest time between two refreshes; half-way to nextUpdate may come sooner",
			decode: func(l line, b *builder) { b.config.Stapler.RefreshEvery = l.period(l.Args[0]) }},
		{name: "pace", usage: "DURATION", doc: "time between the requests for two certificates",
			decode: func(l line, b *builder) { b.config.Stapler.Pace = l.duration(l.Args[0], none) }},
		{name: "timeout", usage: "DURATION", doc: "for one refresh: DNS, redirects, all URLs and bodies included", decode: decodeOCSPTimeout},
		{name: "max_age", usage: "DURATION", doc: "how long after its last refresh a staple is served, whatever its nextUpdate", decode: decodeMaxAge},
		{name: "start_wait", usage: "DURATION", doc: "how long a start without stored staples may wait for them",
			decode: func(l line, b *builder) { b.config.Stapler.StartWait = l.duration(l.Args[0], none) }},
		{name: "must_staple_wait", usage: "DURATION", doc: "how long a must-staple certificate is refused while it has no staple",
			decode: func(l line, b *builder) { b.config.TLS.MustStapleWait = l.duration(l.Args[0], none) }},
		{name: "allow", usage: "NETWORK|HOST…", doc: "responders that may live on blocked addresses", many: true, decode: decodeAllow},
		{name: "responder", usage: "URL|ISSUER_FILE URL", doc: "asks another URL", many: true, decode: decodeResponder},
		{name: "cert_id", usage: "sha1|sha256", doc: "which hash is asked first",
			decode: func(l line, b *builder) { b.config.Client.CertID = l.word(l.Args[0], "sha1", "sha256") }},
		{name: "require_next_update", usage: "on|off", doc: "whether responses without nextUpdate are refused", decode: decodeRequireNextUpdate},
		{name: "on_revoked", usage: "refuse|serve", doc: "what a handshake for a revoked certificate gets", decode: decodeOnRevoked},
		{name: "crl", usage: "on|off", doc: "whether certificates without a responder are checked against their CRL", decode: decodeCRL},
	}}
}

// siteDirectives are listed in the order in which handlers run, Caddy's: that
// of the text counts only between two of the same name.
func siteDirectives() table[*scope] {
	directives := []row[*scope]{
		{name: "tls", usage: "[auto|internal|EMAIL|off|CERT] [KEY] [{ … }]", in: inSite, many: true, doc: "where the certificate of the site comes from, if not by itself", decode: decodeTLS},
		{name: "bind", usage: "ADDRESS…", in: inSite, doc: "the addresses the site listens on", decode: decodeBind},
		{name: "log", usage: "[NAME] [{ … }]", in: inSite, many: true, doc: "records the site's requests", decode: decodeAccessLog},
		{name: "import", usage: "SNIPPET|FILE|PATTERN [ARGUMENT…] [{ … }]", in: inSite | inHandle, many: true,
			doc: "the lines of a snippet or of files", decode: spliced[*scope]},

		{name: "handle_errors", usage: "[STATUS…] { … }", in: inSite, many: true,
			doc: "directives that answer failures, all or those with a status", decode: decodeHandleErrors},

		{name: "vars", usage: "[matcher] [NAME] [VALUE] [{ … }]", in: inSite | inHandle, many: true,
			doc: "sets variables", decode: decodeVars},
		{name: "root", usage: "[matcher] [PATH]", in: inSite | inHandle, many: true,
			doc: "the directory that files are looked for in; of several only the first that matches", decode: decodeRoot},
		{name: "log_skip", usage: "[matcher]", in: inSite | inHandle, many: true,
			doc: "keeps requests out of the access logs", decode: decodeLogSkip},
		{name: "header", usage: "[matcher] [[+|-|?|>]FIELD] [VALUE|FIND] [REPLACE] [{ … }]", in: inSite | inHandle, many: true,
			doc: "changes response headers", decode: decodeHeader},
		{name: "request_body", usage: "[matcher] { … }", in: inSite | inHandle, many: true,
			doc: "bounds the bodies of requests", decode: decodeRequestBody},
		{name: "ip_filter", usage: "[matcher] { … }", in: inSite | inHandle, many: true,
			doc: "lets clients in by their address", decode: decodeIPFilter},
		{name: "rate_limit", usage: "[matcher] { … }", in: inSite | inHandle, many: true,
			doc: "refuses who asks too often", decode: decodeRateLimit},
		{name: "redir", usage: "[matcher] [TARGET] [CODE]", in: inSite | inHandle, many: true,
			doc: "sends the client elsewhere", decode: decodeRedir},
		{name: "method", usage: "[matcher] METHOD", in: inSite | inHandle, many: true,
			doc: "gives the request another method", decode: decodeMethod},
		{name: "rewrite", usage: "[matcher] TO", in: inSite | inHandle, many: true,
			doc: "gives the request another path, query or both; of several only the first that matches", decode: decodeRewrite},
		{name: "uri", usage: "[matcher] [OPERATION] [TEXT…] [{ … }]", in: inSite | inHandle, many: true,
			doc: "changes a part of the path or the query", decode: decodeURI},
		{name: "try_files", usage: "FILE… [{ … }]", in: inSite | inHandle, many: true,
			doc: "gives the request the path of the first file that is there", decode: decodeTryFiles},
		{name: "basic_auth", usage: "[matcher] [bcrypt] [REALM] { … }", in: inSite | inHandle, many: true,
			doc: "lets in who has a password", decode: decodeBasicAuth},
		{name: "forward_auth", usage: "[matcher] [UPSTREAM…] [{ … }]", in: inSite | inHandle, many: true,
			doc: "asks another server who may come in", decode: decodeForwardAuth},
		{name: "request_header", usage: "[matcher] [[+|-]FIELD] [VALUE|FIND] [REPLACE]", in: inSite | inHandle, many: true,
			doc: "changes request headers before they reach an upstream", decode: decodeRequestHeader},
		{name: "encode", usage: "[matcher] [FORMAT…] [{ … }]", in: inSite | inHandle, many: true,
			doc: "compresses responses", decode: decodeEncode},
		{name: "handle", usage: "[matcher] { … }", in: inSite | inHandle, many: true,
			doc: "directives for some requests; of several only the first that matches", decode: decodeHandle},
		{name: "handle_path", usage: "PATH { … }", in: inSite | inHandle, many: true,
			doc: "handle that takes the prefix off the path", decode: decodeHandlePath},
		{name: "route", usage: "[matcher] { … }", in: inSite | inHandle, many: true,
			doc: "directives in the order of the text", decode: decodeRoute},
		{name: "abort", usage: "[matcher]", in: inSite | inHandle, many: true,
			doc: "closes the connection without an answer", decode: decodeAbort},
		{name: "error", usage: "[matcher] [STATUS|MESSAGE] [STATUS] [{ … }]", in: inSite | inHandle, many: true,
			doc: "fails the request, so that handle_errors answers it", decode: decodeError},
		{name: "respond", usage: "[matcher] [STATUS|BODY] [STATUS] [{ … }]", in: inSite | inHandle, many: true,
			doc: "answers with a status and a text", decode: decodeRespond},
		{name: "ocsp_responder", usage: "[matcher] { … }", in: inSite | inHandle, many: true,
			doc: "answers OCSP requests about the certificates of a CA", decode: decodeOCSPResponder},
		{name: "ocsp_relay", usage: "[matcher] { … }", in: inSite | inHandle, many: true,
			doc: "answers OCSP requests by what other responders have said", decode: decodeOCSPRelay},
		{name: "metrics", usage: "[matcher]", in: inSite | inHandle, many: true,
			doc: "answers with dwaar's metrics", decode: decodeMetrics},
		{name: "reverse_proxy", usage: "[matcher] [UPSTREAM…] [{ … }]", in: inSite | inHandle, many: true,
			doc: "forwards to upstreams", decode: decodeReverseProxy},
		{name: "file_server", usage: "[matcher] [browse] [{ … }]", in: inSite | inHandle, many: true,
			doc: "answers with files", decode: decodeFileServer},
	}
	directives = append(directives, refused[*scope](
		"acme_server",
		"copy_response",
		"copy_response_headers",
		"fs",
		"intercept",
		"log_append",
		"log_level",
		"log_name",
		"push",
		"templates",
		"timeouts",
		"tracing",
	)...)
	const fastCGI = "write reverse_proxy to a server that speaks FastCGI to PHP"
	return table[*scope]{noun: "directive", rows: append(directives,
		row[*scope]{name: "basicauth", instead: "its name is basic_auth"},
		row[*scope]{name: "skip_log", instead: "its name is log_skip"},
		row[*scope]{name: "expression", instead: "write a named matcher: @name { … }"},
		row[*scope]{name: "invoke", instead: "write import and a snippet: (name) { … }"},
		row[*scope]{name: "map", instead: "write vars with matchers: the most specific has the last word"},
		row[*scope]{name: "php", instead: fastCGI},
		row[*scope]{name: "php_fastcgi", instead: fastCGI},
		row[*scope]{name: "php_server", instead: fastCGI},
	)}
}

// matchers are the kinds of conditions in a named matcher.
func matchers() table[*definition] {
	return table[*definition]{of: "matcher", noun: "matcher", rows: append([]row[*definition]{
		{name: "path", usage: "PATH…", many: true, doc: "the path, with * as prefix, suffix or in between", decode: decodePathMatcher},
		{name: "path_regexp", usage: "[NAME] PATTERN", doc: "the path by a regular expression", decode: decodePathRegexp},
		{name: "host", usage: "HOST…", many: true, doc: "the host, with * for one label", decode: decodeHostMatcher},
		{name: "method", usage: "METHOD…", many: true, doc: "the method", decode: decodeMethodMatcher},
		{name: "header", usage: "[!]FIELD [VALUE]", many: true, doc: "a request header, or that it is not there", decode: decodeHeaderMatcher},
		{name: "header_regexp", usage: "[NAME] FIELD PATTERN", many: true, doc: "a request header by a regular expression", decode: decodeHeaderRegexp},
		{name: "query", usage: "KEY=VALUE…", many: true, doc: "keys of the query", decode: decodeQueryMatcher},
		{name: "protocol", usage: "PROTOCOL…", many: true, doc: "http, https, grpc or a version of HTTP", decode: decodeProtocolMatcher},
		{name: "remote_ip", usage: "NETWORK…", many: true, doc: "the address that is connected", decode: decodeRemoteIP},
		{name: "client_ip", usage: "NETWORK…", many: true, doc: "the address of the client, by trusted_proxies", decode: decodeClientIP},
		{name: "vars", usage: "NAME VALUE…", many: true, doc: "a variable or a placeholder", decode: decodeVarsMatcher},
		{name: "vars_regexp", usage: "[NAME] VARIABLE PATTERN", many: true, doc: "a variable or a placeholder by a regular expression", decode: decodeVarsRegexp},
		{name: "file", usage: "[FILE…] [{ … }]", doc: "a file that is there", decode: decodeFileMatcher},
		{name: "not", usage: "[MATCHER…] [{ … }]", many: true, doc: "what must not match", decode: decodeNot},
		{name: "import", usage: "SNIPPET|FILE|PATTERN [ARGUMENT…] [{ … }]", many: true, doc: "the lines of a snippet or of files", decode: spliced[*definition]},
		{name: "expression", instead: "write path, header, not and the other matchers in a block"},
	}, refused[*definition]("country", "maxmind_geolocation", "tls", "url_pattern")...)}
}

func tlsOptions() table[*issuance] {
	return table[*issuance]{of: "tls", noun: "option", rows: append([]row[*issuance]{
		{name: "ca", usage: "URL", doc: "the directory of another CA than acme_ca",
			decode: ofACME(func(l line, i *issuance) { i.ca = l.directory(l.Args[0]) })},
		{name: "ca_root", usage: "FILE", doc: "the root that the HTTPS of the CA is trusted by",
			decode: ofACME(func(l line, i *issuance) { i.roots = []string{l.rootFile(l.Args[0])} })},
		{name: "issuer", usage: "acme|internal [URL] [{ … }]", many: true, doc: "one of several CAs, which are tried in this order",
			decode: ofACME(decodeIssuer)},
		{name: "dns", usage: "rfc2136|exec SERVER|PATH [{ … }]", doc: "proves names by DNS records, as wildcards need it", decode: ofACME(decodeDNS)},
		{name: "resolvers", usage: "ADDRESS…", doc: "the DNS servers that are asked for the zone and the record", decode: ofACME(decodeResolvers)},
		{name: "propagation_timeout", usage: "DURATION", doc: "how long to wait for the record to be seen",
			decode: ofACME(func(l line, i *issuance) { i.timeout = l.period(l.Args[0]) })},
		{name: "must_staple", doc: "asks for certificates that clients accept with a staple only",
			decode: ofACME(func(_ line, i *issuance) { i.mustStaple = true })},
		{name: "key_type", usage: strings.Join(keyTypes, "|"), doc: "the kind of key", decode: ofManaged(decodeKeyType)},
		{name: "on_demand", doc: "gets a certificate when a client asks for a name", decode: ofManaged(decodeOnDemand)},
		{name: "ocsp", usage: "[off] [{ … }]", doc: "leaves this certificate without a staple, or says how it is kept fresh", decode: decodeSiteOCSP},
		{name: "protocols", usage: "tls1.2|tls1.3 [tls1.2|tls1.3]", doc: "the lowest and the highest version of TLS", decode: decodeProtocols},
		{name: "ciphers", usage: "SUITE…", doc: "the suites of TLS 1.2 to choose from", decode: decodeCiphers},
		{name: "curves", usage: "CURVE…", doc: "the key exchanges to choose from", decode: decodeCurves},
		{name: "alpn", usage: "h3|h2|http/1.1…", doc: "the protocols to offer, the preferred first", decode: decodeALPN},
		{name: "client_auth", usage: "{ … }", doc: "asks clients for certificates", decode: decodeClientAuth},
		{name: "eab", instead: "write it in issuer acme URL { eab KEY_ID MAC_KEY }"},
	}, refused[*issuance](
		"dns_challenge_override_domain",
		"dns_ttl",
		"get_certificate",
		"insecure_secrets_log",
		"load",
		"propagation_delay",
		"renewal_window_ratio",
		"reuse_private_keys",
		"force_automate",
	)...)}
}

func clientAuthOptions() table[*tlspolicy.ClientAuth] {
	return table[*tlspolicy.ClientAuth]{of: "client_auth", noun: "option", rows: append([]row[*tlspolicy.ClientAuth]{
		{name: "mode", usage: "request|require|verify_if_given|require_and_verify", doc: "which clients are let in", decode: decodeAuthMode},
		{name: "trust_pool", usage: "file FILE…", many: true, doc: "the CAs that certificates must come from", decode: decodeTrustPool},
		{name: "trusted_ca_cert_file", instead: "write trust_pool file FILE"},
		{name: "trusted_ca_cert", instead: "put the certificate into a PEM file and write trust_pool file FILE"},
		{name: "trusted_leaf_cert_file", instead: "dwaar trusts CAs: write trust_pool file FILE"},
		{name: "trusted_leaf_cert", instead: "dwaar trusts CAs: write trust_pool file FILE"},
	}, refused[*tlspolicy.ClientAuth]("verifier")...)}
}

func issuerOptions() table[*issuing.IssuerConfig] {
	return table[*issuing.IssuerConfig]{of: "issuer", noun: "option", rows: append([]row[*issuing.IssuerConfig]{
		{name: "email", usage: "EMAIL", doc: "the contact of the account at this CA",
			decode: func(l line, c *issuing.IssuerConfig) { c.Email = l.email(l.Args[0]) }},
		{name: "root", usage: "FILE", doc: "the root that the HTTPS of this CA is trusted by",
			decode: func(l line, c *issuing.IssuerConfig) { c.Roots = []string{l.rootFile(l.Args[0])} }},
		{name: "eab", usage: "KEY_ID MAC_KEY", doc: "the account that this CA has given to its customer", decode: decodeIssuerEAB},
		{name: "trusted_roots", instead: "write root FILE"},
		{name: "dir", instead: "write issuer acme URL"},
		{name: "dns", instead: "write it beside the issuer: it holds for all"},
	}, refused[*issuing.IssuerConfig](
		"alt_http_port",
		"alt_tlsalpn_port",
		"disable_http_challenge",
		"disable_tlsalpn_challenge",
		"dns_challenge_override_domain",
		"dns_ttl",
		"preferred_chains",
		"profile",
		"propagation_delay",
		"propagation_timeout",
		"resolvers",
		"test_dir",
		"timeout",
	)...)}
}

func rfc2136Options() table[*dns.RFC2136Config] {
	return table[*dns.RFC2136Config]{of: "dns", noun: "option", rows: []row[*dns.RFC2136Config]{
		{name: "key", usage: "NAME ALGORITHM SECRET", doc: "the TSIG key that updates are signed with", decode: decodeTSIGKey},
		{name: "zone", usage: "ZONE", doc: "the zone to update", decode: decodeZone},
	}}
}

func eabOptions() table[*issuing.EAB] {
	return table[*issuing.EAB]{of: "acme_eab", noun: "option", rows: []row[*issuing.EAB]{
		{name: "key_id", usage: "KEY_ID", doc: "the name of the key",
			decode: func(l line, eab *issuing.EAB) { eab.KeyID, _ = l.expand(l.Args[0]) }},
		{name: "mac_key", usage: "MAC_KEY", doc: "the key, in base64url",
			decode: func(l line, eab *issuing.EAB) { eab.HMAC = l.macKey(l.Args[0]) }},
	}}
}

func onDemandOptions() table[*acme.OnDemand] {
	return table[*acme.OnDemand]{of: "on_demand_tls", noun: "option", rows: append([]row[*acme.OnDemand]{
		{name: "ask", usage: "URL", doc: "who is asked, as URL?domain=NAME, and permits a name by 200", decode: decodeAsk},
	}, refused[*acme.OnDemand]("burst", "interval", "permission")...)}
}

func respondOptions() table[*handler.Respond] {
	return table[*handler.Respond]{of: "respond", noun: "option", rows: []row[*handler.Respond]{
		{name: "body", usage: "TEXT", doc: "the text, instead of the argument", decode: decodeBody},
		{name: "close", doc: "closes the connection after the response",
			decode: func(_ line, r *handler.Respond) { r.Close = true }},
	}}
}

func errorOptions() table[*handler.Error] {
	return table[*handler.Error]{of: "error", noun: "option", rows: []row[*handler.Error]{
		{name: "message", usage: "TEXT", doc: "the message, instead of the argument", decode: decodeMessage},
	}}
}

// spliced stands for what the parser has done: an import line is replaced by
// what it imports and never gets here.
func spliced[T any](line, T) {}

// elsewhere says where else a word of the language stands, "" if nowhere.
func (lang *language) elsewhere(of, noun, name string) string {
	switch {
	case noun != "directive" && strings.HasPrefix(name, "@"):
		return ": matchers are defined in a site, or in a handle or route in it"
	case noun == "directive" && lang.matcher.find(name) != nil:
		return ": it is a matcher, written as @name " + name + " …"
	case of == "" && noun == "directive" && lang.global.find(name) != nil:
		return ": it is a global option"
	case of == "" && noun == "global option" && lang.site.find(name) != nil:
		return ": it is a directive, which stands in a site"
	case noun == "global option" && lang.ocsp.find(name) != nil:
		return ": it stands in the global option ocsp"
	}
	return ""
}
