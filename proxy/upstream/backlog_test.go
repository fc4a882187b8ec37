package upstream_test

import (
	"net"
	"syscall"
	"testing"
)

// shrinkBacklog lets the kernel complete hardly any connection by itself.
func shrinkBacklog(t *testing.T, listener net.Listener) {
	t.Helper()
	control, err := listener.(*net.TCPListener).SyscallConn()
	if err != nil {
		t.Fatal(err)
	}
	if err := control.Control(func(fd uintptr) { err = syscall.Listen(int(fd), 0) }); err != nil {
		t.Fatal(err)
	}
	if err != nil {
		t.Fatal(err)
	}
}
