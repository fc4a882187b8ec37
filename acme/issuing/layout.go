package issuing

import (
	"math/big"
	"path"

	"github.com/caddyserver/certmagic"
)

// The layout of storage is certmagic's, so a Caddy data directory works as it is:
//
//	certificates/<issuer>/<name>/<name>.{crt,key,json}
//	acme/<issuer>/users/<email>/<user>.{key,json}
//	acme/<issuer>/challenge_tokens/<name>.json
//
// and two prefixes of our own:
//
//	pending/<issuer>/<name>.json                    a certificate on its way in, see save
//	quarantine/<issuer>/<serial>/<name>.{crt,key,json}, why.json

// localIssuer is the name of the local CA in storage, Caddy's too.
const localIssuer = "local"

// key is the name of the CA in storage.
func (c IssuerConfig) key() string {
	if !c.acme() {
		return localIssuer
	}
	return (&certmagic.ACMEIssuer{CA: c.CA}).IssuerKey()
}

// files are where a certificate lies, or the copy of it in quarantine.
type files struct{ cert, key, meta string }

func siteFiles(issuer, name string) files {
	return files{
		cert: certmagic.StorageKeys.SiteCert(issuer, name),
		key:  certmagic.StorageKeys.SitePrivateKey(issuer, name),
		meta: certmagic.StorageKeys.SiteMeta(issuer, name),
	}
}

func quarantined(issuer, name string, serial *big.Int) files {
	dir, safe := quarantineDir(issuer, serial), certmagic.StorageKeys.Safe(name)
	out := files{cert: path.Join(dir, safe+".crt"), key: path.Join(dir, safe+".key"), meta: path.Join(dir, safe+".json")}
	if path.Base(out.meta) == verdictFile {
		out.meta = path.Join(dir, metaBesideVerdict)
	}
	return out
}

func quarantineDir(issuer string, serial *big.Int) string {
	return path.Join(quarantinePrefix, certmagic.StorageKeys.Safe(issuer), serial.Text(16))
}

const (
	pendingDir       = "pending"
	quarantinePrefix = "quarantine"
	verdictFile      = "why.json" // beside what is in quarantine

	// metaBesideVerdict is what <name>.json is called there for the name "why". No certificate is
	// for a name that begins so.
	metaBesideVerdict = "_why.json"
)

func pendingKey(issuer, name string) string {
	return path.Join(pendingDir, certmagic.StorageKeys.Safe(issuer), certmagic.StorageKeys.Safe(name)+".json")
}

func challengeKey(issuer, name string) string {
	safe := certmagic.StorageKeys.Safe
	return path.Join("acme", safe(issuer), "challenge_tokens", safe(name)+".json")
}
