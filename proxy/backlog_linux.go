package proxy

import (
	"net"
	"os"
	"syscall"
)

// takeBacklog stops socket listening and returns the connections that the
// kernel had already completed. Closing the socket alone would reset them,
// with the request the client may have sent already. What is left of that gap
// is the moment between the last accept and the shutdown, two system calls.
func takeBacklog(socket *net.TCPListener) []net.Conn {
	raw, err := socket.SyscallConn()
	if err != nil {
		return nil // closed already
	}
	var taken []int
	_ = raw.Control(func(fd uintptr) {
		for {
			conn, _, err := syscall.Accept4(int(fd), syscall.SOCK_CLOEXEC|syscall.SOCK_NONBLOCK)
			if err == syscall.EINTR || err == syscall.ECONNABORTED {
				continue
			}
			if err != nil {
				break
			}
			taken = append(taken, conn)
		}
		_ = syscall.Shutdown(int(fd), syscall.SHUT_RD)
	})
	var conns []net.Conn
	for _, fd := range taken {
		file := os.NewFile(uintptr(fd), "accepted")
		if conn, err := net.FileConn(file); err == nil {
			conns = append(conns, conn)
		}
		_ = file.Close() // FileConn has its own
	}
	return conns
}
