package main

import (
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestNotifierSpeaksToSystemd(t *testing.T) {
	dir, err := os.MkdirTemp("", "dwaar")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	for name, socket := range map[string]string{"a path": filepath.Join(dir, "notify"), "an abstract name": "@dwaar-test-" + filepath.Base(dir)} {
		t.Run(name, func(t *testing.T) {
			conn, err := net.ListenPacket("unixgram", socket)
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { _ = conn.Close() })
			t.Setenv("NOTIFY_SOCKET", socket)
			n := newNotifier()
			n.ready()
			n.reloading()
			n.stopping()
			for _, want := range []string{"READY=1", "RELOADING=1\nMONOTONIC_USEC=", "STOPPING=1"} {
				buf := make([]byte, 256)
				count, _, err := conn.ReadFrom(buf)
				if err != nil || !strings.HasPrefix(string(buf[:count]), want) {
					t.Errorf("systemd read %q, %v; want %q", buf[:count], err, want)
				}
			}
		})
	}
}

func TestNotifierWithoutSystemdSaysNothing(t *testing.T) {
	t.Setenv("NOTIFY_SOCKET", "")
	newNotifier().ready()
	t.Setenv("NOTIFY_SOCKET", filepath.Join(t.TempDir(), "nobody"))
	newNotifier().ready() // and does not fail
}
