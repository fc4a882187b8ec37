package http1

import (
	"errors"
	"fmt"
	"io"
	"strconv"
	"sync"
	"sync/atomic"
	"time"
)

// grace is how long an exchange that is over waits for its sender: for the
// last write of a request that has its response already, or for the client's
// body to tell why it ended.
const grace = 50 * time.Millisecond

// headPatience is how long a head waits for the beginning of its body.
const headPatience = time.Millisecond

var errRefused = errors.New("the body was not asked for")

// sender sends the body of a request while the response may come.
type sender struct {
	exchange *exchange
	length   int64 // -1: chunked
	may      chan struct{}
	mayNot   chan struct{}
	once     sync.Once   // closes may or mayNot
	last     atomic.Bool // the last write has begun
	begun    chan struct{}
	writing  sync.Mutex // held while something is written
	done     chan struct{}
	err      error // of the body; to be read after done
}

func newSender(x *exchange, length int64) *sender {
	return &sender{
		exchange: x,
		length:   length,
		may:      make(chan struct{}),
		mayNot:   make(chan struct{}),
		begun:    make(chan struct{}),
		done:     make(chan struct{}),
	}
}

// permit lets the body go, refuse keeps it back; the first word counts. There
// may be no sender. After refuse it is settled whether the body is touched.
func (s *sender) permit() {
	if s != nil {
		s.once.Do(func() {
			touch(s.exchange.request.Body)
			close(s.may)
		})
	}
}

// touch tells the owner of a body that it will be read from now on.
func touch(body io.ReadCloser) {
	if b, ok := body.(interface{ Touch() }); ok {
		b.Touch()
	}
}

func (s *sender) refuse() {
	if s != nil {
		s.once.Do(func() { close(s.mayNot) })
	}
}

func (s *sender) run(expects bool) {
	defer close(s.done)
	defer s.begin()
	if expects && !s.await() {
		s.err = errRefused
		return
	}
	if s.err = s.copy(); s.err != nil {
		return
	}
	s.exchange.awaitHeader()
}

// await waits for the server's word on the body, but not for ever (RFC 9110
// §10.1.1).
func (s *sender) await() bool {
	patience := time.NewTimer(s.exchange.conn.client.config.ContinueTimeout)
	defer patience.Stop()
	select {
	case <-s.may:
		return true
	case <-s.mayNot:
		return false
	case <-patience.C:
		s.permit()
		select {
		case <-s.may:
			return true
		default:
			return false
		}
	}
}

// copy sends pieces as they come. A client that breaks off breaks the
// exchange, which ends the response, too.
func (s *sender) copy() error {
	buffer := buffers.Get().(*[bufferSize]byte)
	defer buffers.Put(buffer)
	body, left := s.exchange.request.Body, s.length
	for left != 0 {
		piece := buffer[:]
		if left > 0 && left < bufferSize {
			piece = piece[:left]
		}
		n, err := body.Read(piece)
		if int64(n) == left {
			s.last.Store(true)
		}
		if n > 0 {
			if err := s.write(piece[:n]); err != nil {
				return err
			}
		}
		if left > 0 {
			left -= int64(n)
		}
		switch {
		case err == io.EOF && left <= 0:
			return s.end()
		case err == io.EOF:
			err = io.ErrUnexpectedEOF
		}
		if err != nil {
			_ = s.exchange.conn.Close()
			return fmt.Errorf("reading the request's body: %w", err)
		}
	}
	return nil
}

// sendHead lets the head go with the first piece of the body, or alone if that
// takes its time: a server may have an answer to the head.
func (s *sender) sendHead() error {
	patience := time.NewTimer(headPatience)
	defer patience.Stop()
	select {
	case <-s.begun:
		return nil // an error will be that of the response, if there is none
	case <-patience.C:
	}
	if !s.writing.TryLock() {
		return nil // it goes
	}
	defer s.writing.Unlock()
	return s.exchange.conn.w.Flush()
}

// begin says that the head is gone. It is called by run alone.
func (s *sender) begin() {
	select {
	case <-s.begun:
	default:
		close(s.begun)
	}
}

func (s *sender) write(piece []byte) error {
	defer s.begin()
	s.writing.Lock()
	defer s.writing.Unlock()
	w := s.exchange.conn.w
	if s.length >= 0 {
		_, _ = w.Write(piece)
		return w.Flush()
	}
	_, _ = w.WriteString(strconv.FormatInt(int64(len(piece)), 16))
	_, _ = w.WriteString("\r\n")
	_, _ = w.Write(piece)
	_, _ = w.WriteString("\r\n")
	return w.Flush()
}

func (s *sender) end() error {
	if s.length >= 0 {
		return nil
	}
	s.last.Store(true)
	s.writing.Lock()
	defer s.writing.Unlock()
	w := s.exchange.conn.w
	if err := writeTrailer(w, s.exchange.request.Trailer); err != nil {
		_ = s.exchange.conn.Close()
		return err
	}
	return w.Flush()
}

// sent reports whether the whole request is out. It waits for the last write,
// but for no client.
func (s *sender) sent() bool {
	if s == nil {
		return true
	}
	return s.last.Load() && s.settle() && s.err == nil
}

// settle waits for the end of the sender, but not for long.
func (s *sender) settle() (ended bool) {
	if s == nil {
		return true
	}
	patience := time.NewTimer(grace)
	defer patience.Stop()
	select {
	case <-s.done:
		return true
	case <-patience.C:
		return false
	}
}

// failure is why the body was not sent, as far as it is known.
func (s *sender) failure() error {
	if s == nil {
		return nil
	}
	select {
	case <-s.done:
		return s.err
	default:
		return nil
	}
}

const bufferSize = 32 << 10

// buffers lends the memory that bodies are sent through.
var buffers = sync.Pool{New: func() any { return new([bufferSize]byte) }}
