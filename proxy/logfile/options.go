// Package logfile writes logs to files that rotate: by size and by time, with
// old files compressed and removed.
package logfile

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"strconv"
	"time"
)

// Defaults of [Options].
const (
	DefaultMode    = fs.FileMode(0o600)
	DefaultSize    = 100 << 20
	DefaultKeep    = 10
	DefaultKeepFor = 90 * 24 * time.Hour
)

// Options say when a file rotates and what happens to the old ones. A zero
// field has the default that is named at it.
type Options struct {
	// Mode is the file's mode in octal digits. Empty means 0600.
	Mode string `json:"mode,omitempty"`
	// RollDisabled leaves rotation to others: a file that was renamed is let go
	// when it is opened again.
	RollDisabled bool `json:"roll_disabled,omitempty"`
	// RollSize is how large a file gets, in bytes. Zero means 100 MiB.
	RollSize int64 `json:"roll_size,omitempty"`
	// RollInterval also rotates at every multiple of itself, counted in UTC:
	// 24h means at midnight. Zero means never.
	RollInterval time.Duration `json:"roll_interval,omitempty"`
	// RollUncompressed keeps old files as they are instead of in gzip.
	RollUncompressed bool `json:"roll_uncompressed,omitempty"`
	// RollKeep is how many old files stay. Zero means 10.
	RollKeep int `json:"roll_keep,omitempty"`
	// RollKeepFor is how long an old file stays. Zero means 90 days.
	RollKeepFor time.Duration `json:"roll_keep_for,omitempty"`
}

// Check reports what is wrong with o.
func (o Options) Check() error {
	var problems []error
	if _, err := o.mode(); err != nil {
		problems = append(problems, err)
	}
	for name, negative := range map[string]bool{
		"roll_size": o.RollSize < 0, "roll_interval": o.RollInterval < 0, "roll_keep": o.RollKeep < 0, "roll_keep_for": o.RollKeepFor < 0,
	} {
		if negative {
			problems = append(problems, fmt.Errorf("%s is negative", name))
		}
	}
	return errors.Join(problems...)
}

func (o Options) mode() (fs.FileMode, error) {
	if o.Mode == "" {
		return DefaultMode, nil
	}
	mode, err := strconv.ParseUint(o.Mode, 8, 32)
	if err != nil || mode > 0o777 || mode&0o200 == 0 {
		return 0, fmt.Errorf("mode %q is not one like 0640, with which dwaar can write", o.Mode)
	}
	return fs.FileMode(mode), nil
}

// withDefaults is o with its zero fields filled in.
func (o Options) withDefaults() Options {
	o.RollSize = cmp.Or(o.RollSize, DefaultSize)
	o.RollKeep = cmp.Or(o.RollKeep, DefaultKeep)
	o.RollKeepFor = cmp.Or(o.RollKeepFor, DefaultKeepFor)
	return o
}
