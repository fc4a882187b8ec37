package main

import (
	"fmt"

	"golang.org/x/sys/unix"
)

// monotonic is the line of a notification that says when it was sent.
func monotonic() string {
	var now unix.Timespec
	if err := unix.ClockGettime(unix.CLOCK_MONOTONIC, &now); err != nil {
		return ""
	}
	return fmt.Sprintf("MONOTONIC_USEC=%d", now.Nano()/1000)
}
