package redis_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"dwaar/tlsstore/storage/redis"
)

// What an oddServer does instead of answering.
const (
	hang    = "hang"
	hangUp  = "hang up"
	refused = "refused" // the connection itself
)

// oddServer answers every command by what its function says, in the server's own protocol.
type oddServer struct {
	answer func(command []string) string

	mu    sync.Mutex // guards conns
	conns []net.Conn
}

// dial is the way to it: a pipe, which works in a bubble of synctest.
func (o *oddServer) dial(ctx context.Context, _, _ string) (net.Conn, error) {
	switch o.answer([]string{"dial"}) {
	case refused:
		return nil, &net.OpError{Op: "dial", Net: "tcp", Err: errors.New("connection refused")}
	case hang:
		ctx, cancel := context.WithTimeout(ctx, 2*time.Second) // as a real dialer's
		defer cancel()
		<-ctx.Done()
		return nil, ctx.Err()
	}
	ours, theirs := net.Pipe()
	o.mu.Lock()
	o.conns = append(o.conns, theirs)
	o.mu.Unlock()
	go o.serve(theirs)
	return ours, nil
}

func (o *oddServer) serve(conn net.Conn) {
	defer conn.Close()
	r := bufio.NewReader(conn)
	for {
		command, err := readCommand(r)
		if err != nil {
			return
		}
		reply := o.answer(command)
		switch {
		case reply == hang:
			_, _ = io.Copy(io.Discard, r) // until the client has enough
			return
		case strings.HasSuffix(reply, hangUp):
			_, _ = io.WriteString(conn, strings.TrimSuffix(reply, hangUp))
			return
		}
		if _, err := io.WriteString(conn, reply); err != nil {
			return
		}
	}
}

func readCommand(r *bufio.Reader) ([]string, error) {
	n, err := readLength(r)
	var command []string
	for range n {
		size, err := readLength(r)
		if err != nil {
			return nil, err
		}
		word := make([]byte, size+2)
		if _, err := io.ReadFull(r, word); err != nil {
			return nil, err
		}
		command = append(command, string(word[:size]))
	}
	return command, err
}

func readLength(r *bufio.Reader) (int, error) {
	line, err := r.ReadString('\n')
	if err != nil {
		return 0, err
	}
	return strconv.Atoi(strings.TrimSpace(line[1:]))
}

// greets answers what a client says first, as an old server does, and leaves the rest to answer.
func greets(answer func(command []string) string) func(command []string) string {
	return func(command []string) string {
		switch strings.ToLower(command[0]) {
		case "dial", "auth", "select":
			return "+OK\r\n"
		case "hello", "client":
			return fmt.Sprintf("-ERR unknown command '%s', with args beginning with: %q\r\n", command[0], command[1:])
		}
		return answer(command)
	}
}

const secret = "hunter2"

// open opens a handle on an oddServer.
func (o *oddServer) open(t *testing.T, log io.Writer) *redis.Store {
	t.Helper()
	cfg := redis.Config{URL: "redis://user:" + secret + "@127.0.0.1:1/0"}
	s, err := redis.OpenBy(cfg, slog.New(slog.NewTextHandler(log, &slog.HandlerOptions{Level: slog.LevelDebug})), o.dial)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// ways are all that a handle can be asked for.
func ways(s *redis.Store) map[string]func(ctx context.Context) error {
	return map[string]func(ctx context.Context) error{
		"Store":   func(ctx context.Context) error { return s.Store(ctx, "k", []byte("v")) },
		"Load":    func(ctx context.Context) error { _, err := s.Load(ctx, "k"); return err },
		"Delete":  func(ctx context.Context) error { return s.Delete(ctx, "k") },
		"Exists":  func(ctx context.Context) error { _, err := s.Exists(ctx, "k"); return err },
		"List":    func(ctx context.Context) error { _, err := s.List(ctx, "", true); return err },
		"Below":   func(ctx context.Context) error { _, err := s.List(ctx, "", false); return err },
		"Stat":    func(ctx context.Context) error { _, err := s.Stat(ctx, "k"); return err },
		"Lock":    func(ctx context.Context) error { return s.Lock(ctx, "l") },
		"TryLock": func(ctx context.Context) error { _, err := s.TryLock(ctx, "l"); return err },
		"Ping":    s.Ping,
		"Changes": func(ctx context.Context) error {
			_, err := s.Changes(ctx, cursor)
			return err
		},
		"Listen": func(ctx context.Context) error { return s.Listen(ctx, func() {}) },
	}
}

// within fails the test if a time has passed.
func within(t *testing.T, began time.Time, bound time.Duration, what string) {
	t.Helper()
	if took := time.Since(began); took > bound {
		t.Errorf("%s took %v, want at most %v", what, took, bound)
	}
}
