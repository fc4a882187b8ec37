package doctor

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/user"
	"path/filepath"
	"strconv"
	"syscall"

	"dwaar/proxy/admin"
)

// Below this much free space a person should act; staples and keys are small.
const (
	littleSpace = 100 << 20
	noSpace     = 1 << 20
)

// directories are the places of dwaar's own files.
func (e *examination) directories(context.Context) []Finding {
	found := []Finding{directory("data directory", e.DataDir)}
	if cfg := e.Inspection.Config; cfg != nil && cfg.Storage.Directory != "" && cfg.Storage.Directory != e.DataDir {
		found = append(found, directory("storage directory", cfg.Storage.Directory))
	}
	if at := e.doorAddress(); at == admin.Off {
		return found
	} else if _, err := admin.ParseAddress(at); err != nil {
		found = append(found, fail("admin socket", "%v", err))
	}
	return found
}

// doorAddress is where a dwaar of this configuration listens for commands, or "off".
func (e *examination) doorAddress() string {
	cfg := e.Inspection.Config
	if cfg == nil || cfg.Admin.Listen == "" {
		return admin.DefaultListen(e.DataDir)
	}
	return cfg.Admin.Listen
}

func directory(what, dir string) Finding {
	info, err := os.Stat(dir)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return missing(what, dir)
	case err != nil:
		return fail(what, "%v", err)
	case !info.IsDir():
		return fail(what, "%s is no directory: move it away, or give another one with --data", dir)
	}
	if owner, own := ownerOf(info); !own {
		return foreign(what, dir, owner)
	}
	if err := writable(dir); err != nil {
		return fail(what, "%s cannot be written to: %v: mend its permissions (chmod 700) or its file system", dir, err)
	}
	if f, bad := crowded(what, dir); bad {
		return f
	}
	if others := info.Mode().Perm() & 0o077; others != 0 {
		return warn(what, "%s has the mode %04o, and others may look into it: chmod 700 %s", dir, info.Mode().Perm(), dir)
	}
	return ok(what, "%s is this user's own, and can be written to", dir)
}

// missing says whether dwaar can make a directory.
func missing(what, dir string) Finding {
	parent := filepath.Dir(dir)
	if _, err := os.Stat(parent); errors.Is(err, fs.ErrNotExist) && parent != dir {
		f := missing(what, parent)
		f.Why = dir + " is not there: " + f.Why
		return f
	}
	if err := writable(parent); err != nil {
		return fail(what, "%s cannot be made in %s: %v: make it for the user that dwaar runs as (install -d -m 700 -o USER %s)", dir, parent, err, dir)
	}
	return ok(what, "%s is not there, and can be made", dir)
}

// foreign is about a directory of another user: whoever writes there leaves files that the
// dwaar of that user may not read, so nobody does.
func foreign(what, dir, owner string) Finding {
	return warn(what, "%s belongs to %s, and this user is %s: what is kept there was not looked at; run this as the user that dwaar runs as (sudo -u %s dwaar doctor …)", dir, owner, nameOf(os.Geteuid()), owner)
}

// ownerOf is whose a file is.
func ownerOf(info fs.FileInfo) (name string, own bool) {
	stat, known := info.Sys().(*syscall.Stat_t)
	if !known || int(stat.Uid) == os.Geteuid() {
		return "", true
	}
	return nameOf(int(stat.Uid)), false
}

func nameOf(uid int) string {
	if u, err := user.LookupId(strconv.Itoa(uid)); err == nil {
		return u.Username
	}
	return fmt.Sprintf("uid %d", uid)
}

// writable reports whether files can be made in a directory, and makes none.
func writable(dir string) error {
	const write, search = 2, 1
	return syscall.Access(dir, write|search)
}

// crowded says so if there is little room left.
func crowded(what, dir string) (Finding, bool) {
	free, files, err := freeSpace(dir)
	switch {
	case err != nil:
		return warn(what, "how much room there is in %s cannot be told: %v", dir, err), true
	case files == 0:
		return fail(what, "the file system of %s takes no more files (no inodes are free): make room", dir), true
	case free < noSpace:
		return fail(what, "the file system of %s is full: make room", dir), true
	case free < littleSpace:
		return warn(what, "the file system of %s has only %d MiB left: make room", dir, free>>20), true
	}
	return Finding{}, false
}
