package config

import (
	"fmt"
	"path/filepath"
	"strings"

	"dwaar/proxy/dwaarfile"
	"dwaar/secret"
	"dwaar/tlsstore/storage/redis"
	"dwaar/tlsstore/storage/sealed"
)

// Storage is where certificates, keys and staples are kept.
type Storage struct {
	// Directory is an absolute path; empty means the data directory.
	Directory string `json:"file_system,omitempty"`
	// Shared is what several dwaars share instead; nil if they do not.
	Shared *SharedStorage `json:"redis,omitempty"`
}

// SharedStorage is a storage for several dwaars.
type SharedStorage struct {
	redis.Config
	// EncryptionKeys encrypt what is stored: the first one does, and what the
	// others have encrypted can be read.
	EncryptionKeys []secret.Value `json:"encryption_keys,omitempty"`
	// Plaintext says that what was stored without a key can be read, too.
	Plaintext bool `json:"plaintext,omitempty"`

	Located `json:"-"`
}

func storageOptions() table[*SharedStorage] {
	return table[*SharedStorage]{of: "storage", noun: "option", rows: []row[*SharedStorage]{
		{name: "key_prefix", usage: "PREFIX", doc: "what the names of all keys in Redis begin with", decode: decodeKeyPrefix},
		{name: "tls", usage: "{ … }", doc: "how the connection to Redis is protected", decode: decodeStorageTLS},
		{name: "encryption_key", usage: "KEY [KEY|none…]", doc: "the key that values are encrypted with, and what they were encrypted with before", decode: decodeEncryptionKey},
	}}
}

func storageTLSOptions() table[*SharedStorage] {
	return table[*SharedStorage]{of: "storage: tls", noun: "option", rows: []row[*SharedStorage]{
		{name: "ca", usage: "FILE", doc: "the CA that the certificate of Redis comes from", decode: decodeStorageCA},
		{name: "cert", usage: "CERT KEY", doc: "who dwaar is to Redis", decode: decodeStorageCert},
		{name: "server_name", usage: "NAME", doc: "the name in the certificate of Redis, if it is not that in the URL", decode: decodeStorageServerName},
	}}
}

func decodeStorage(l line, b *builder) {
	kind := l.Args[0]
	switch {
	case kind.Text == "redis":
		decodeRedis(l, b)
	case kind.Text != "file_system":
		l.problem(kind, "%q is not file_system or redis", kind.Text)
	case l.Block != nil:
		l.problem(kind, "file_system has no block")
	default:
		b.config.Storage.Directory = l.path(l.Args[1])
	}
}

func decodeRedis(l line, b *builder) {
	s, where := &SharedStorage{Located: Located{Position: l.Name.Pos}}, l.Args[1]
	s.KeyPrefix = redis.DefaultKeyPrefix
	text, ok := l.expand(where)
	s.URL = redis.URL(text).In(l.directoryOf(where))
	s.Places = append(s.Places, Place{Option: "url", Position: where.Pos})
	known := len(b.problems)
	b.language.storage.read(b, l.block(), 0, s)
	if b.config.Storage.Shared = s; ok {
		s.check(l, len(b.problems) > known)
	}
}

// check reports what is wrong with the whole. What is missing in tls is not
// said where something in it was refused.
func (s *SharedStorage) check(l line, refused bool) {
	cfg := s.Config
	if refused {
		cfg.TLS = redis.TLS{}
	}
	if err := cfg.Check(); err != nil {
		for text := range strings.SplitSeq(err.Error(), "\n") {
			problem := dwaarfile.Problem{Pos: s.PlaceOf(text), Message: l.title() + ": " + strings.TrimPrefix(text, "url: ")}
			l.b.problems = append(l.b.problems, problem)
		}
	}
}

func decodeKeyPrefix(l line, s *SharedStorage) {
	s.KeyPrefix = l.Args[0].Text
	s.note(l, l.Args[0], "")
	if s.KeyPrefix == "" {
		l.problem(l.Args[0], "an empty prefix")
	}
}

func decodeStorageTLS(l line, s *SharedStorage) {
	if len(l.block()) == 0 {
		l.problem(l.Name, "an option is missing, like ca FILE; where the system trusts the CA of Redis, rediss:// is enough")
	}
	l.b.language.storageTLS.read(l.b, l.block(), 0, s)
	s.note(l, l.Name, "") // after its options: a problem belongs to them first
}

func decodeStorageCA(l line, s *SharedStorage) {
	s.TLS.CAFile = l.path(l.Args[0])
	s.Places = append(s.Places, Place{Option: "tls: ca", Position: l.Args[0].Pos})
}

func decodeStorageCert(l line, s *SharedStorage) {
	s.TLS.CertFile, s.TLS.KeyFile = l.path(l.Args[0]), l.path(l.Args[1])
	s.Places = append(s.Places, Place{Option: "tls: cert", Position: l.Args[0].Pos})
}

func decodeStorageServerName(l line, s *SharedStorage) {
	if s.TLS.ServerName = l.Args[0].Text; s.TLS.ServerName == "" {
		l.problem(l.Args[0], "an empty name")
	}
}

// decodeEncryptionKey checks keys that are written out; what is elsewhere is
// read with the certificates.
func decodeEncryptionKey(l line, s *SharedStorage) {
	for i, tok := range l.Args {
		text, ok := l.expand(tok)
		switch {
		case !ok:
			continue
		case text == "none" && i > 0:
			s.Plaintext = true
			continue
		}
		key := secret.Value(text).In(l.directoryOf(tok))
		err := key.Check()
		if err == nil && (text == "" || key.WrittenOut()) {
			_, err = sealed.ParseKey(text)
		}
		l.refuse(tok, err)
		s.EncryptionKeys = append(s.EncryptionKeys, key)
		s.Places = append(s.Places, Place{Option: fmt.Sprintf("encryption_key: %d:", len(s.EncryptionKeys)), Position: tok.Pos})
	}
}

// directoryOf is the directory of the file that tok stands in: the paths in it
// are relative to that.
func (l line) directoryOf(tok dwaarfile.Token) string {
	dir, err := filepath.Abs(filepath.Dir(tok.Pos.File))
	l.refuse(tok, err)
	return dir
}
