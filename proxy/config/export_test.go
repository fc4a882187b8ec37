package config

// Entry is a word of the language, for the test that holds the documents
// against the tables.
type Entry struct {
	Section string // of docs/dwaarfile.md
	Name    string
	Usage   string
	Doc     string
	Refused bool
}

// Language is every row of every table.
func Language() []Entry {
	l := newLanguage()
	var all []Entry
	all = append(all, entries("Global options", l.global)...)
	all = append(all, entries("admin", l.adminOpts)...)
	all = append(all, entries("log", l.log)...)
	all = append(all, entries("servers", l.servers)...)
	all = append(all, entries("timeouts", l.timeouts)...)
	all = append(all, entries("ocsp", l.ocsp)...)
	all = append(all, entries("Directives", l.site)...)
	all = append(all, entries("Matchers", l.matcher)...)
	all = append(all, entries("tls", l.tls)...)
	all = append(all, entries("client_auth", l.auth)...)
	all = append(all, entries("ocsp in tls", l.stapling)...)
	all = append(all, entries("issuer", l.issuer)...)
	all = append(all, entries("dns", l.rfc2136)...)
	all = append(all, entries("acme_eab", l.eab)...)
	all = append(all, entries("on_demand_tls", l.onDemand)...)
	all = append(all, entries("log in a site", l.accessLog)...)
	all = append(all, entries("output", l.roll)...)
	all = append(all, entries("respond", l.respond)...)
	all = append(all, entries("forward_auth", l.askAuth)...)
	all = append(all, entries("ip_filter", l.ipFilter)...)
	all = append(all, entries("rate_limit", l.rateLimit)...)
	all = append(all, entries("zone", l.zone)...)
	all = append(all, entries("error", l.failure)...)
	all = append(all, entries("encode", l.encode)...)
	all = append(all, entries("file_server", l.fileServer)...)
	all = append(all, entries("request_body", l.requestBody)...)
	all = append(all, entries("try_files", l.tryFiles)...)
	all = append(all, entries("file", l.fileMatcher)...)
	all = append(all, entries("encode match", l.encodeMatch)...)
	all = append(all, entries("lb_policy", l.policy)...)
	all = append(all, entries("dynamic", l.dynamic)...)
	all = append(all, entries("ocsp_responder", l.ocspResponder)...)
	all = append(all, entries("storage", l.storage)...)
	all = append(all, entries("tls in storage", l.storageTLS)...)
	all = append(all, entries("limits", l.responderLimits)...)
	all = append(all, entries("ocsp_relay", l.ocspRelay)...)
	all = append(all, entries("limits of ocsp_relay", l.relayLimits)...)
	all = append(all, entries("transport", l.transport)...)
	return append(all, entries("reverse_proxy", l.proxyOpts)...)
}

func entries[T any](section string, t table[T]) []Entry {
	var all []Entry
	for _, r := range t.rows {
		all = append(all, Entry{section, r.name, r.usage, r.doc, r.decode == nil})
	}
	return all
}
