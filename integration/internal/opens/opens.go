// Package opens counts how often files in a directory are opened, by anybody.
package opens

import (
	"bytes"
	"encoding/binary"
	"os"
	"sync"
	"syscall"
	"testing"
)

// Watcher gathers the opens since Watch.
type Watcher struct {
	mu    sync.Mutex
	total int
	names map[string]int
}

// Watch starts to count; the end of the test ends it.
func Watch(t testing.TB, dirs ...string) *Watcher {
	t.Helper()
	fd, err := syscall.InotifyInit1(syscall.IN_CLOEXEC | syscall.IN_NONBLOCK)
	if err != nil {
		t.Fatalf("inotify: %v", err)
	}
	file := os.NewFile(uintptr(fd), "inotify") // non-blocking: Close ends a Read
	w := &Watcher{names: map[string]int{}}
	for _, dir := range dirs {
		if _, err := syscall.InotifyAddWatch(fd, dir, syscall.IN_OPEN); err != nil {
			t.Fatalf("watching %s: %v", dir, err)
		}
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		w.read(file)
	}()
	t.Cleanup(func() {
		_ = file.Close()
		<-done
	})
	return w
}

func (w *Watcher) read(file *os.File) {
	buffer := make([]byte, 64<<10)
	for {
		n, err := file.Read(buffer)
		if err != nil {
			return
		}
		w.add(buffer[:n])
	}
}

// add counts the events in one read: struct inotify_event, then its padded name.
func (w *Watcher) add(events []byte) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for len(events) >= syscall.SizeofInotifyEvent {
		length := int(binary.NativeEndian.Uint32(events[12:]))
		name := events[syscall.SizeofInotifyEvent:][:length]
		w.total++
		w.names[string(bytes.TrimRight(name, "\x00"))]++
		events = events[syscall.SizeofInotifyEvent+length:]
	}
}

// Count is the number of opens so far.
func (w *Watcher) Count() int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.total
}

// Names says how often which file was opened.
func (w *Watcher) Names() map[string]int {
	w.mu.Lock()
	defer w.mu.Unlock()
	names := make(map[string]int, len(w.names))
	for name, n := range w.names {
		names[name] = n
	}
	return names
}
