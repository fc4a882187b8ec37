package cluster

import (
	"errors"
	"fmt"

	"dwaar/secret"
	"dwaar/tlsstore/storage/redis"
	"dwaar/tlsstore/storage/sealed"
)

// Config says which storage is shared, and how.
type Config struct {
	// Redis is where it is.
	Redis redis.Config
	// EncryptionKeys, if any, encrypt every value: the first one does, and what
	// the others have encrypted can be read.
	EncryptionKeys []secret.Value
	// Plaintext says that what was stored without a key can be read, too.
	Plaintext bool
}

// Check returns what is wrong with the settings, all of it, one line each by the
// name of its option. It reads the files and variables that they name, and opens
// no connection.
func (c Config) Check() error {
	wrong := c.Redis.Check()
	if wrong == nil {
		wrong = c.Redis.CheckFiles()
	}
	_, keys := c.keys()
	return errors.Join(wrong, keys)
}

func (c Config) keys() (sealed.Keys, error) {
	all := make([]sealed.Key, len(c.EncryptionKeys))
	var wrong []error
	for i, from := range c.EncryptionKeys {
		var err error
		if all[i], err = readKey(from); err != nil {
			wrong = append(wrong, fmt.Errorf("encryption_key: %d: %w", i+1, err))
		}
	}
	if len(all) == 0 {
		return sealed.Keys{}, nil
	}
	return sealed.Keys{Seal: all[0], Open: all[1:], Plaintext: c.Plaintext}, errors.Join(wrong...)
}

func readKey(from secret.Value) (sealed.Key, error) {
	text, err := from.Read()
	if err != nil {
		return sealed.Key{}, err
	}
	key, err := sealed.ParseKey(text)
	if err != nil && !from.WrittenOut() {
		err = fmt.Errorf("%s: %w", from, err)
	}
	return key, err
}
