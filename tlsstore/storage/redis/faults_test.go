package redis_test

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"net"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"dwaar/tlsstore/storage"
	"dwaar/tlsstore/storage/redis"
)

var cursor = storage.Cursor{Epoch: "e", Sequence: 1}

// Whatever a server does, every call ends within seconds, says that the storage is unavailable and
// nothing about a key, and tells no password; and Close leaves nothing running.
func TestEveryFaultIsUnavailable(t *testing.T) {
	for name, reply := range map[string]string{
		"refused":       refused,
		"hang":          hang,
		"hang up":       hangUp,
		"half a reply":  "$100\r\nhalf" + hangUp,
		"half a list":   "*4\r\n$1\r\na\r\n" + hangUp,
		"no Redis":      "HTTP/1.1 400 Bad Request\r\n\r\n",
		"binary":        "\x15\x03\x03\x00\x02\x02\x50" + hangUp,
		"loading":       "-LOADING Redis is loading the dataset in memory\r\n",
		"replica":       "-READONLY You can't write against a read only replica.\r\n",
		"disk":          "-MISCONF Redis is configured to save RDB snapshots, but it's currently unable to persist to disk.\r\n",
		"memory":        "-OOM command not allowed when used memory > 'maxmemory'.\r\n",
		"password":      "-NOAUTH Authentication required.\r\n",
		"permission":    "-NOPERM this user has no permissions to run the 'evalsha' command\r\n",
		"cluster":       "-MOVED 3999 127.0.0.1:6381\r\n",
		"busy":          "-BUSY Redis is busy running a script.\r\n",
		"repeats":       "-ERR unknown command 'AUTH', with args beginning with: 'user' 'hunter2'\r\n",
		"a number":      ":7\r\n",
		"a word":        "+QUEUED\r\n",
		"an empty list": "*0\r\n",
		"no list":       "*-1\r\n",
		"another list":  "*3\r\n:1\r\n*1\r\n:2\r\n$-1\r\n",
		"huge string":   "$99999999999999\r\n",
		"huge list":     "*99999999999999\r\n",
		"deep list":     strings.Repeat("*1\r\n", 100_000),
		"endless line":  "+" + strings.Repeat("x", 1<<20),
	} {
		t.Run(name, func(t *testing.T) { synctest.Test(t, func(t *testing.T) { everyWayFails(t, reply) }) })
	}
}

func everyWayFails(t *testing.T, reply string) {
	var log strings.Builder
	server := &oddServer{}
	server.answer = greets(func([]string) string { return reply })
	if reply == refused || reply == hang {
		server.answer = func([]string) string { return reply }
	}
	began := time.Now()
	s := server.open(t, &log)
	within(t, began, 2*time.Second, "Open")
	for name, ask := range ways(s) {
		if odd, ok := means[reply]; ok && strings.Contains(odd, name) {
			continue // it is what it may say
		}
		began := time.Now()
		err := ask(t.Context())
		bound := 3 * time.Second
		if name == "Listen" {
			bound = 15 * time.Second
		}
		within(t, began, bound, name)
		if !errors.Is(err, storage.ErrUnavailable) || errors.Is(err, fs.ErrNotExist) || errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("%s = %v, want ErrUnavailable alone", name, err)
			continue
		}
		log.WriteString(err.Error())
	}
	if err := s.Close(); err != nil {
		t.Error(err)
	}
	time.Sleep(3 * time.Second) // go-redis looks once more after a server that was not there
	if strings.Contains(log.String(), secret) {
		t.Errorf("the password is in\n%s", log.String())
	}
	for name, ask := range ways(s) {
		if err := ask(t.Context()); !errors.Is(err, storage.ErrUnavailable) {
			t.Errorf("%s of a closed handle = %v", name, err)
		}
	}
}

// means are the odd replies that some calls can read.
var means = map[string]string{
	":7\r\n":       "Load Ping Lock TryLock",
	"+QUEUED\r\n":  "Load Ping Listen",
	"*0\r\n":       "List",
	"*-1\r\n":      "Load",
	"$-1\r\n":      "Load",
	"*1\r\n:1\r\n": "List",
}

// The caller's own end of patience is his, and comes at once.
func TestTheCallersContextIsHis(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		server := &oddServer{answer: greets(func([]string) string { return hang })}
		s := server.open(t, io.Discard)
		for name, ask := range ways(s) {
			ctx, cancel := context.WithTimeout(t.Context(), time.Second)
			began := time.Now()
			if err := ask(ctx); !errors.Is(err, context.DeadlineExceeded) || errors.Is(err, storage.ErrUnavailable) {
				t.Errorf("%s = %v, want DeadlineExceeded", name, err)
			}
			within(t, began, time.Second, name)
			cancel()

			ctx, cancel = context.WithCancel(t.Context())
			time.AfterFunc(100*time.Millisecond, cancel)
			began = time.Now()
			if err := ask(ctx); !errors.Is(err, context.Canceled) {
				t.Errorf("%s = %v, want Canceled", name, err)
			}
			within(t, began, 100*time.Millisecond, name)
		}
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
}

// A thousand calls at once share a few connections.
func TestConnectionsAreFew(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		server := &oddServer{answer: greets(func(command []string) string {
			time.Sleep(time.Millisecond)
			return "$1\r\nv\r\n"
		})}
		s := server.open(t, io.Discard)
		defer s.Close()
		errs := make(chan error)
		for range 1000 {
			go func() {
				_, err := s.Load(t.Context(), "k")
				errs <- err
			}()
		}
		for range 1000 {
			if err := <-errs; err != nil {
				t.Fatal(err)
			}
		}
		if n := len(server.conns); n > 16+1 { // the first one ended with what Open could not read
			t.Errorf("%d connections", n)
		}
	})
}

// What a server says is read without harm, whatever it is.
func FuzzReplies(f *testing.F) {
	for _, seed := range []string{"$1\r\nv\r\n", "*2\r\n$0\r\n\r\n*1\r\n$1\r\na\r\n", "*4\r\n$1\r\ne\r\n$1\r\n1\r\n$3\r\nall\r\n*0\r\n", "-ERR x\r\n", ":1\r\n", "*-1\r\n", "$-1\r\n", "*999999999999\r\n", "%1\r\n+a\r\n+b\r\n", ">2\r\n", "$5\r\nab"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, reply string) {
		synctest.Test(t, func(t *testing.T) {
			server := &oddServer{answer: greets(func([]string) string { return reply + hangUp })}
			s := server.open(t, io.Discard)
			for name, ask := range ways(s) {
				if name == "Lock" || name == "Listen" {
					continue // may be ours, or wait for more
				}
				began := time.Now()
				_ = ask(t.Context())
				within(t, began, 4*time.Second, name)
			}
			_ = s.Close()
		})
	})
}

// Measuring changes no byte, wherever the network cuts the stream.
func FuzzMeasure(f *testing.F) {
	f.Add([]byte("*2\r\n$3\r\nabc\r\n*1\r\n:5\r\n+OK\r\n$-1\r\n$0\r\n\r\n"), uint8(3))
	f.Fuzz(func(t *testing.T, stream []byte, step uint8) {
		ours, theirs := net.Pipe()
		defer ours.Close()
		go func() {
			defer theirs.Close()
			for rest := stream; len(rest) > 0; {
				n := min(len(rest), int(step)+1)
				if _, err := theirs.Write(rest[:n]); err != nil {
					return
				}
				rest = rest[n:]
			}
		}()
		got, err := io.ReadAll(redis.Measure(ours))
		if err == nil && string(got) != string(stream) || !strings.HasPrefix(string(stream), string(got)) {
			t.Errorf("%q was read as %q, %v", stream, got, err)
		}
	})
}
