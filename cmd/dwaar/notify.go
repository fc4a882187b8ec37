package main

import (
	"net"
	"os"
)

// notifier tells systemd how far dwaar is (sd_notify). Without $NOTIFY_SOCKET it
// says nothing; what does not arrive is not missed, so errors are dropped.
type notifier struct{ socket string }

func newNotifier() notifier { return notifier{os.Getenv("NOTIFY_SOCKET")} }

func (n notifier) ready()    { n.send("READY=1") }
func (n notifier) stopping() { n.send("STOPPING=1") }

// reloading carries the time that Type=notify-reload compares with its signal's.
func (n notifier) reloading() { n.send("RELOADING=1\n" + monotonic()) }

func (n notifier) send(state string) {
	if n.socket == "" {
		return
	}
	conn, err := net.Dial("unixgram", n.socket)
	if err != nil {
		return
	}
	defer conn.Close()
	_, _ = conn.Write([]byte(state))
}
