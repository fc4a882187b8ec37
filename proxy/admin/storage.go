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
}

// storageJSON always has every key.
type storageJSON struct {
	Kind      string     `json:"kind"`
	Address   string     `json:"address"`
	State     string     `json:"state"`
	Since     *time.Time `json:"since"`
	Error     string     `json:"error"`
	Owed      int        `json:"owed"`
	CopyError string     `json:"copy_error"`
}

// MarshalJSON writes every key, a zero time as null.
func (s Storage) MarshalJSON() ([]byte, error) {
	return json.Marshal(storageJSON{s.Kind, s.Address, s.State, orNull(s.Since), s.Error, s.Owed, s.CopyError})
}

// UnmarshalJSON reads what MarshalJSON writes.
func (s *Storage) UnmarshalJSON(b []byte) error {
	var form storageJSON
	if err := json.Unmarshal(b, &form); err != nil {
		return err
	}
	*s = Storage{form.Kind, form.Address, form.State, orZero(form.Since), form.Error, form.Owed, form.CopyError}
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
