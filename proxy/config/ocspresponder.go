package config

import (
	"errors"
	"path/filepath"
	"reflect"
	"slices"

	"dwaar/ocspsvc"
	"dwaar/ocspsvc/certdb"
	"dwaar/ocspsvc/responder"
	"dwaar/proxy/dwaarfile"
	"dwaar/proxy/handler"
	"dwaar/proxy/match"
)

// OCSPResponder is one for all directives ocsp_responder that say the same.
type OCSPResponder struct {
	// Answers says what is answered, and who signs.
	Answers responder.Config `json:"answers"`
	// Records says where the records of certificates are.
	Records certdb.Config `json:"records"`

	Located `json:"-"`
}

// responding is an ocsp_responder that is being read.
type responding struct{ OCSPResponder }

func ocspResponderOptions() table[*responding] {
	return table[*responding]{of: "ocsp_responder", noun: "option", rows: []row[*responding]{
		{name: "issuer", usage: "FILE…", many: true, doc: "the certificates of the CAs to answer for", decode: decodeAnsweredFor},
		{name: "signer", usage: "CERT KEY", many: true, doc: "who signs: the CA itself, or a certificate of it for OCSP signing", decode: decodeSigner},
		{name: "database", usage: "DSN", doc: "where the records of certificates are", decode: decodeDatabase},
		{name: "schema", usage: "list_certs", doc: "the tables are those of another program",
			decode: func(l line, r *responding) { r.Records.Schema = l.Args[0].Text }},
		{name: "validity", usage: "DURATION", doc: "how long an answer holds",
			decode: func(l line, r *responding) { r.Answers.Validity = l.period(l.Args[0]) }},
		{name: "nonce", usage: "optional|required|ignore", doc: "what is done with nonces",
			decode: func(l line, r *responding) { r.Answers.Nonce = responder.NoncePolicy(l.Args[0].Text) }},
		{name: "unissued", usage: "unknown|unauthorized|revoked", doc: "what is said of a serial that is not in the database",
			decode: func(l line, r *responding) { r.Answers.Unissued = responder.UnissuedPolicy(l.Args[0].Text) }},
		{name: "archive_cutoff", usage: "DURATION", doc: "how long a certificate is answered for after its end",
			decode: func(l line, r *responding) { r.Answers.ArchiveCutoff = l.period(l.Args[0]) }},
		{name: "presign", usage: "on|off", doc: "whether answers are signed before anybody asks",
			decode: func(l line, r *responding) { r.Answers.Presign = l.word(l.Args[0], "on", "off") == "on" }},
		{name: "require", usage: "signed FILE…", doc: "answers only requests that a certificate of these CAs has signed", decode: decodeRequireSigned},
		{name: "rsa_pss", doc: "signs by RSASSA-PSS where the key is RSA",
			decode: func(_ line, r *responding) { r.Answers.RSAPSS = true }},
		{name: "limits", usage: "{ … }", doc: "what clients can make it do", decode: decodeResponderLimits},
	}}
}

func responderLimits() table[*responder.Limits] {
	number := func(most int, into func(*responder.Limits) *int) func(line, *responder.Limits) {
		return func(l line, limits *responder.Limits) { *into(limits) = l.number(l.Args[0], 1, most) }
	}
	return table[*responder.Limits]{of: "limits", noun: "option", rows: []row[*responder.Limits]{
		{name: "cert_ids", usage: "NUMBER", doc: "how many certificates one request may ask about",
			decode: number(ocspsvc.MaxCertIDs, func(limits *responder.Limits) *int { return &limits.CertIDs })},
		{name: "cache_entries", usage: "NUMBER", doc: "for how many certificates answers stay in memory",
			decode: number(100_000_000, func(limits *responder.Limits) *int { return &limits.CacheEntries })},
		{name: "cache_bytes", usage: "SIZE", doc: "how much memory they may take",
			decode: func(l line, limits *responder.Limits) { limits.CacheBytes = l.size(l.Args[0], 1<<10, 1<<40) }},
		{name: "queue", usage: "NUMBER", doc: "how many signatures may wait for a processor",
			decode: number(1_000_000, func(limits *responder.Limits) *int { return &limits.Queue })},
		{name: "unissued_rate", usage: "NUMBER", doc: "how many answers about unknown serials are signed in a second",
			decode: number(1_000_000, func(limits *responder.Limits) *int { return &limits.UnissuedRate })},
	}}
}

func decodeOCSPResponder(l line, s *scope) {
	set, ok := l.onlyMatcher()
	if !ok {
		return
	}
	r := &responding{OCSPResponder: OCSPResponder{Located: Located{Position: l.Name.Pos}}}
	known := len(l.b.problems)
	l.b.language.ocspResponder.read(l.b, l.block(), 0, r)
	if refused := len(l.b.problems) > known; r.check(l, refused) || refused {
		return
	}
	s.answersOCSP(l, set, l.b.responder(r.OCSPResponder))
}

// answersOCSP puts a responder among the routes, or beside those that answer the
// same requests: which of them does depends on the CA.
func (s *scope) answersOCSP(l line, set *match.Set, number int) {
	when := ""
	if set != nil {
		when = identity(set)
	}
	for i, r := range s.routes {
		beside, ok := r.Directive.(handler.OCSPResponder)
		switch {
		case !ok || r.when != when:
		case slices.Contains(beside.Responders, number):
			l.problem(l.Name, "the same stands at %s already", r.name.Pos)
			return
		default:
			s.routes[i].Directive = handler.OCSPResponder{Responders: append(beside.Responders, number)}
			return
		}
	}
	s.add(l, l.Name, set, handler.OCSPResponder{Responders: []int{number}})
}

// check reports what is wrong with the whole. An option that was refused itself
// is not missing.
func (r *responding) check(l line, refused bool) (wrong bool) {
	r.noteBlock(l)
	records := errors.New("database: say where the records are, like database sqlite:certs.db")
	if r.Records.Database != "" {
		records = r.Records.Check()
	}
	said := func(option string) bool { return r.missing(option) && (refused || l.written(option)) }
	return r.complain(l, said, records, r.Answers.Check())
}

// missing tells whether an option that must be there says nothing.
func (r *responding) missing(option string) bool {
	switch option {
	case "issuer":
		return len(r.Answers.Issuers) == 0
	case "signer":
		return len(r.Answers.Signers) == 0
	}
	return option == "database" && r.Records.Database == ""
}

// responder is the number of r, which is that of one that says the same.
func (b *builder) responder(r OCSPResponder) int {
	for i, other := range b.config.OCSPResponders {
		if reflect.DeepEqual(other.Answers, r.Answers) && other.Records == r.Records {
			return i
		}
	}
	for _, warning := range r.Records.Warnings() {
		b.config.Warnings = append(b.config.Warnings, dwaarfile.Problem{Pos: r.PlaceOf(warning), Message: "ocsp_responder: " + warning})
	}
	b.config.OCSPResponders = append(b.config.OCSPResponders, r)
	return len(b.config.OCSPResponders) - 1
}

func decodeAnsweredFor(l line, r *responding) {
	for _, tok := range l.Args {
		if path := l.path(tok); slices.Contains(r.Answers.Issuers, path) {
			l.problem(tok, "%s is named already", tok.Text)
		} else if path != "" {
			r.Answers.Issuers = append(r.Answers.Issuers, path)
			r.note(l, tok, path)
		}
	}
}

func decodeSigner(l line, r *responding) {
	pair := responder.Pair{Certificate: l.path(l.Args[0]), Key: l.path(l.Args[1])}
	if slices.Contains(r.Answers.Signers, pair) {
		l.problem(l.Args[0], "%s is named already", l.Args[0].Text)
		return
	}
	r.Answers.Signers = append(r.Answers.Signers, pair)
	r.note(l, l.Args[0], pair.Certificate)
	r.note(l, l.Args[1], pair.Key)
}

// decodeDatabase takes paths from the directory of the file it stands in.
func decodeDatabase(l line, r *responding) {
	text, ok := l.expand(l.Args[0])
	if !ok {
		return
	}
	dir, err := filepath.Abs(filepath.Dir(l.Args[0].Pos.File))
	if l.refuse(l.Args[0], err) {
		return
	}
	r.Records.Database = certdb.DSN(text).In(dir)
}

func decodeRequireSigned(l line, r *responding) {
	if l.Args[0].Text != "signed" {
		l.problem(l.Args[0], "write require signed FILE, with the CA of those who may ask")
		return
	}
	for _, tok := range l.Args[1:] {
		if path := l.path(tok); path != "" {
			r.Answers.Requesters = append(r.Answers.Requesters, path)
			r.Places = append(r.Places, Place{Option: "requesters", Names: path, Position: tok.Pos})
		}
	}
}

func decodeResponderLimits(l line, r *responding) {
	if len(l.block()) == 0 {
		l.problem(l.Name, "a limit is missing, like queue 256")
	}
	l.b.language.responderLimits.read(l.b, l.block(), 0, &r.Answers.Limits)
}
