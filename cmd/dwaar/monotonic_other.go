//go:build !linux

package main

// monotonic is empty: systemd is Linux's.
func monotonic() string { return "" }
