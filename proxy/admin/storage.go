package admin

import (
	"encoding/json"
	"time"
)

// Storage is the storage that several dwaars share.
type Storage struct {
	Kind      string    // redis
	Address   string    // without a password
	State     string    // up or down; while it is down, this machine's copy of it is used
	Since     time.Time // when that changed last
	Error     string    // why it is down
	Owed      int       // answers that it gets when it is up again
	CopyError string    // why the copy is not written

	// FormerKeys says of the encryption keys behind the first one, "none" too, whether something is
	// left that needs them: in_use, or unused; empty if there are none.
	FormerKeys string
}

// storageJSON always has every key.
type storageJSON struct {
	Kind       string     `json:"kind"`
	Address    string     `json:"address"`
	State      string     `json:"state"`
	Since      *time.Time `json:"since"`
	Error      string     `json:"error"`
	Owed       int        `json:"owed"`
	CopyError  string     `json:"copy_error"`
	FormerKeys string     `json:"former_keys"`
}

// MarshalJSON writes every key, a zero time as null.
func (s Storage) MarshalJSON() ([]byte, error) {
	return json.Marshal(storageJSON{s.Kind, s.Address, s.State, orNull(s.Since), s.Error, s.Owed, s.CopyError, s.FormerKeys})
}

// UnmarshalJSON reads what MarshalJSON writes.
func (s *Storage) UnmarshalJSON(b []byte) error {
	var form storageJSON
	if err := json.Unmarshal(b, &form); err != nil {
		return err
	}
	*s = Storage{form.Kind, form.Address, form.State, orZero(form.Since), form.Error, form.Owed, form.CopyError, form.FormerKeys}
	return nil
}

func (s *Storage) inUTC() *Storage {
	if s == nil {
		return nil
	}
	shown := *s
	shown.Since = utc(s.Since)
	return &shown
}
