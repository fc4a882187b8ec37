//go:build unix

package http1

import "syscall"

// peek looks at the socket without waiting and without taking anything.
func (k *conn) peek(fd uintptr) bool {
	var one [1]byte
	_, _, err := syscall.Recvfrom(int(fd), one[:], syscall.MSG_PEEK|syscall.MSG_DONTWAIT)
	k.still = err == syscall.EAGAIN || err == syscall.EINTR
	return true // do not wait
}
