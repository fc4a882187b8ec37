// Package config turns the blocks of a Dwaarfile into the typed configurations
// of the packages that use them. The tables in directives.go are the whole
// language.
package config

import (
	"dwaar/acme"
	"dwaar/netguard"
	"dwaar/ocspsvc/client"
	"dwaar/ocspsvc/stapler"
	"dwaar/proxy"
	"dwaar/proxy/admin"
	"dwaar/proxy/dwaarfile"
	"dwaar/proxy/logfile"
	"dwaar/tlsstore"
)

// Config is what a Dwaarfile says, complete and checked as far as that is
// possible without a key, a socket or the network. Its options have their
// defaults filled in.
type Config struct {
	// HTTP are the listeners and what their sites answer. The redirects from
	// http to https are sites like any other.
	HTTP proxy.Config `json:"http"`
	// TLS says how certificates are served.
	TLS tlsstore.Config `json:"tls"`
	// HTTPPort and HTTPSPort are where CAs find dwaar: the ports of challenges.
	HTTPPort  int `json:"http_port"`
	HTTPSPort int `json:"https_port"`
	// ACME says how the certificates of Automatic are got.
	ACME acme.Config `json:"acme"`
	// Automatic are the names that dwaar gets certificates for.
	Automatic []Automatic `json:"automatic,omitempty"`
	// Certificates are the files to serve, in the order of the text.
	Certificates []Certificate `json:"certificates,omitempty"`
	// Stapler keeps the staples fresh.
	Stapler stapler.Config `json:"stapler"`
	// Client asks the responders.
	Client client.Config `json:"ocsp_client"`
	// OCSPResponders are the responders that sites have, in the order of the
	// text.
	OCSPResponders []OCSPResponder `json:"ocsp_responders,omitempty"`
	// OCSPRelays are the relays that sites have, in the order of the text.
	OCSPRelays []OCSPRelay `json:"ocsp_relays,omitempty"`
	// CRL says that certificates without a responder are checked against the
	// CRL of their CA.
	CRL bool `json:"crl"`
	// Guard says which blocked addresses responders may live on.
	Guard netguard.Config `json:"netguard"`
	// Admin is the door for the operator; an empty Listen means the socket in
	// the data directory.
	Admin admin.Config `json:"admin"`
	// Log is where dwaar's own log goes.
	Log Log `json:"log"`
	// Storage is where certificates, keys and staples are kept.
	Storage Storage `json:"storage,omitzero"`

	// OverridesAt are the places of Client.Overrides, one for each: problems
	// with the files they name belong there.
	OverridesAt []dwaarfile.Position `json:"-"`
	// ClientPairs are the files of who dwaar is to upstreams.
	ClientPairs []ClientPair `json:"-"`
	// RootFiles are the files of root certificates that a Dwaarfile names.
	RootFiles []RootFile `json:"-"`
	// Warnings are no problems, but perhaps not what was meant.
	Warnings dwaarfile.Problems `json:"-"`
	// Files are all files that were read, the Dwaarfile first.
	Files []string `json:"-"`
	// Patterns are those of imports: a file that comes to match one is read by
	// the next reload.
	Patterns []string `json:"-"`
}

// Certificate is one `tls CERT KEY` and the names it is for.
type Certificate struct {
	// Position is where the directive stands: problems with its files belong
	// there.
	Position dwaarfile.Position `json:"-"`
	// CertFile and KeyFile are absolute paths.
	CertFile string `json:"cert"`
	KeyFile  string `json:"key"`
	// OCSPOff keeps the certificate without a staple.
	OCSPOff bool `json:"ocsp_off,omitempty"`
	// OCSP is what is said of its staple.
	OCSP Stapling `json:"ocsp,omitempty"`
	// Serves are the listeners and names it is shown for.
	Serves []Served `json:"serves"`
}

// Served are the names of one certificate on one listener.
type Served struct {
	// Listener is the address of an HTTP.Listeners entry with TLS.
	Listener string `json:"listener"`
	// Names are lower-case ASCII names, "*.example.com", addresses, or "" for
	// whatever no other site of the listener is for.
	Names []string `json:"names"`
}

// Automatic is a name whose certificate dwaar gets itself.
type Automatic struct {
	// Position is what wants it: a directive tls, or the address of a site.
	Position dwaarfile.Position `json:"-"`
	// Name is a name or address like those of [Served]. If OnDemand, it may be a
	// pattern: "*.example.com" stands for certificates of names below it, each
	// of its own, and "" for every name.
	Name string `json:"name"`
	// Listeners are the addresses of the HTTP.Listeners entries it is shown on.
	Listeners []string `json:"listeners"`
	// OCSPOff keeps the certificate without a staple.
	OCSPOff bool `json:"ocsp_off,omitempty"`
	// OCSP is what is said of its staple.
	OCSP Stapling `json:"ocsp,omitempty"`
	// OnDemand gets it when a client asks for it.
	OnDemand bool `json:"on_demand,omitempty"`
}

// ClientPair is a client certificate and its key, and where they are named.
type ClientPair struct {
	Position          dwaarfile.Position
	CertFile, KeyFile string
}

// RootFile is a PEM file and where it is named: problems with it belong there.
type RootFile struct {
	Position dwaarfile.Position
	Path     string // absolute
}

// Log says where dwaar's own log goes and how much of it.
type Log struct {
	// Output is "stdout", "stderr", "discard" or the absolute path of a file.
	Output string `json:"output"`
	// File says how a file is made and rotated.
	File logfile.Options `json:"file,omitempty"`
	// Format is "text" or "json".
	Format string `json:"format"`
	// Level is "debug", "info", "warn" or "error".
	Level string `json:"level"`
}
