//go:build !linux

package proxy

import "net"

// takeBacklog takes nothing here: what waits in the kernel is reset when the
// socket closes.
func takeBacklog(*net.TCPListener) []net.Conn { return nil }
