package main

import (
	"errors"
	"os"
	"path/filepath"
)

// dir is the data directory, absolute: --data or $DWAAR_DATA, else
// $XDG_DATA_HOME/dwaar, else ~/.local/share/dwaar.
func (f dataFlag) dir() (string, error) {
	if f.Data != "" {
		return filepath.Abs(f.Data)
	}
	// The XDG specification has relative paths ignored.
	if xdg := os.Getenv("XDG_DATA_HOME"); filepath.IsAbs(xdg) {
		return filepath.Join(xdg, "dwaar"), nil
	}
	home, err := os.UserHomeDir()
	if err != nil {
		return "", errors.New("there is no home directory to keep data in: give --data DIR or $DWAAR_DATA")
	}
	return filepath.Join(home, ".local", "share", "dwaar"), nil
}
