package sealed

import (
	"bytes"
	"crypto/cipher"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"

	"golang.org/x/crypto/chacha20poly1305"
)

// Errors of a value that cannot be opened. None of them is fs.ErrNotExist: the value is there.
var (
	// ErrPlain: the value is not encrypted.
	ErrPlain = errors.New("the stored value is not encrypted: encrypt what was stored before there was a key, or remove it")

	// ErrKey: none of the keys has sealed the value.
	ErrKey = errors.New("the stored value is encrypted with another key: give that key, too, behind the one that encrypts")

	// ErrDamaged: the key is the right one, and the value is not what was sealed with it for
	// this name: it was changed, cut off, or is that of another name.
	ErrDamaged = errors.New("the stored value is damaged, or was moved here from another name: restore it from a backup, or remove it")
)

// A sealed value is the magic, the ID of the key (8 bytes), a random nonce (24), and what
// XChaCha20-Poly1305 makes of the value with all before the nonce and the name as associated
// data. Another layout gets another number.
const (
	magic  = "dwaar sealed 1\n"
	idSize = 8
	header = len(magic) + idSize

	// Overhead is how many bytes longer than its value a sealed one is.
	Overhead = header + chacha20poly1305.NonceSizeX + chacha20poly1305.Overhead
)

// box seals and opens with one key.
type box struct {
	prefix []byte // magic and ID
	aead   cipher.AEAD
}

func newBox(k Key) (box, error) {
	aead, err := chacha20poly1305.NewX(k.secret())
	id := k.id()
	return box{append([]byte(magic), id[:]...), aead}, err
}

// seal encrypts a value for a name.
func (b box) seal(name string, value []byte) []byte {
	out := make([]byte, header+chacha20poly1305.NonceSizeX, Overhead+len(value))
	copy(out, b.prefix)
	nonce := out[header:]
	rand.Read(nonce) // never fails: it ends the program instead
	return b.aead.Seal(out, nonce, value, b.bound(name))
}

// open is the inverse of seal, for a text that begins with b's prefix.
func (b box) open(name string, text []byte) ([]byte, error) {
	if len(text) < Overhead {
		return nil, ErrDamaged
	}
	nonce, text := text[header:header+chacha20poly1305.NonceSizeX], text[header+chacha20poly1305.NonceSizeX:]
	value, err := b.aead.Open(make([]byte, 0, len(text)), nonce, text, b.bound(name))
	if err != nil {
		return nil, ErrDamaged
	}
	return value, nil
}

// bound is what a value is bound to, so that it opens nowhere else.
func (b box) bound(name string) []byte { return append(bytes.Clone(b.prefix), name...) }

// openAny opens with the key that has sealed the text.
func openAny(boxes []box, name string, text []byte) ([]byte, error) {
	if !bytes.HasPrefix(text, []byte(magic)) {
		return nil, ErrPlain
	}
	if len(text) < header {
		return nil, ErrDamaged
	}
	for _, b := range boxes {
		if bytes.HasPrefix(text, b.prefix) {
			return b.open(name, text)
		}
	}
	return nil, fmt.Errorf("%w (its ID is %s)", ErrKey, hex.EncodeToString(text[len(magic):header]))
}
