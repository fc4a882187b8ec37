package admin

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"sync"
	"syscall"
	"time"
)

// listen opens addr. A Unix socket is 0600 in a directory that is made 0700 if
// it is missing.
func listen(addr Address) (net.Listener, error) {
	if addr.Network != "unix" {
		ln, err := net.Listen(addr.Network, addr.Addr)
		if err != nil {
			return nil, fmt.Errorf("admin: %w", err)
		}
		return ln, nil
	}
	if err := os.MkdirAll(filepath.Dir(addr.Addr), 0o700); err != nil {
		return nil, fmt.Errorf("admin: making the directory of the socket: %w", err)
	}
	// Two processes that start together must not both find the socket stale: the
	// second would remove the first one's. The lock leaves no file behind.
	unlock, err := lockDir(filepath.Dir(addr.Addr))
	if err != nil {
		return nil, fmt.Errorf("admin: %w", err)
	}
	defer unlock()
	if err := removeStale(addr.Addr); err != nil {
		return nil, err
	}
	return bind(addr.Addr)
}

func lockDir(dir string) (unlock func(), err error) {
	d, err := os.Open(dir)
	if err != nil {
		return nil, err
	}
	if err := syscall.Flock(int(d.Fd()), syscall.LOCK_EX); err != nil {
		return nil, errors.Join(fmt.Errorf("locking %s: %w", dir, err), d.Close())
	}
	return func() { _ = d.Close() }, nil // closing gives the lock back
}

// removeStale removes the socket of a dead process. A live one, and a file that
// is no socket, are left alone and refused.
func removeStale(path string) error {
	info, err := os.Lstat(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("admin: %w", err)
	}
	if info.Mode().Type() != fs.ModeSocket {
		return fmt.Errorf("admin: %s is in the way and is no socket", path)
	}
	conn, err := net.DialTimeout("unix", path, time.Second)
	if err == nil {
		_ = conn.Close()
		return fmt.Errorf("admin: another dwaar is running and listens on %s: "+
			"stop it (dwaar stop), or give this one its own --data or its own option admin", path)
	}
	if !errors.Is(err, syscall.ECONNREFUSED) {
		return fmt.Errorf("admin: %s: is its owner alive? %w", path, err)
	}
	if err := os.Remove(path); err != nil {
		return fmt.Errorf("admin: removing the socket of a dead process: %w", err)
	}
	return nil
}

func bind(path string) (net.Listener, error) {
	lc := net.ListenConfig{Control: ownerOnly}
	ln, err := lc.Listen(context.Background(), "unix", path)
	if err != nil {
		return nil, fmt.Errorf("admin: %w", err)
	}
	sock := &socket{UnixListener: ln.(*net.UnixListener), path: path}
	sock.SetUnlinkOnClose(false) // remove looks first whose it is
	if err := os.Chmod(path, 0o600); err != nil {
		return nil, errors.Join(fmt.Errorf("admin: %w", err), sock.Close())
	}
	if sock.own, err = os.Lstat(path); err != nil {
		return nil, errors.Join(fmt.Errorf("admin: %w", err), sock.Close())
	}
	return sock, nil
}

// ownerOnly sets the mode before the file appears, where the system lets it
// (Linux does): there is no moment in which others could connect.
func ownerOnly(_, _ string, c syscall.RawConn) error {
	return c.Control(func(fd uintptr) { _ = syscall.Fchmod(int(fd), 0o600) })
}

// socket removes its file when it closes, unless the file is another's by now.
type socket struct {
	*net.UnixListener
	path string
	own  os.FileInfo
	once sync.Once
}

func (s *socket) Close() error {
	s.once.Do(s.remove)
	return s.UnixListener.Close()
}

func (s *socket) remove() {
	if now, err := os.Lstat(s.path); err == nil && os.SameFile(now, s.own) {
		_ = os.Remove(s.path)
	}
}
