package upstream

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync/atomic"
	"time"
)

// halfClosed is how long one direction of an upgraded connection may be silent
// after the other has ended.
const halfClosed = time.Minute

// upgrade joins the client's connection and the upstream's. No timeout is for
// them unless the directive has one: they end when a side ends them, or with
// dwaar.
func (f *forward) upgrade(e *exchange, response *http.Response) {
	wanted, got := upgradeOf(e.out.Header), upgradeOf(response.Header)
	up, ok := response.Body.(io.ReadWriteCloser)
	if !ok || wanted == "" || !strings.EqualFold(wanted, got) {
		f.failures.answer(e, fmt.Errorf("the upstream changes to protocol %q when %q was wanted", got, wanted))
		return
	}
	dropConnection(response.Header)
	if f.edits.Response != nil {
		f.edits.Response(response.Header, e.in)
	}
	response.Header["Connection"], response.Header["Upgrade"] = []string{"Upgrade"}, []string{got}
	e.finishHeader(response.Header)
	join(response.Header, e.w.Header())
	conn, buffered, err := http.NewResponseController(e.w).Hijack()
	if err != nil {
		f.failures.answer(e, fmt.Errorf("taking over the client's connection: %w", err))
		return
	}
	defer conn.Close()
	_ = conn.SetDeadline(time.Time{})
	if err := writeSwitch(buffered.Writer, response.Header); err != nil {
		return
	}
	// The server's reader would take the end of what the client sends for the
	// end of its request, and cancel that.
	early, _ := buffered.Peek(buffered.Reader.Buffered())
	f.tunnel(&end{conn, io.MultiReader(bytes.NewReader(early), conn), conn}, &end{up, up, up})
}

func writeSwitch(w *bufio.Writer, header http.Header) error {
	_, _ = w.WriteString("HTTP/1.1 101 Switching Protocols\r\n")
	_ = header.Write(w) // the error stays with w
	_, _ = w.WriteString("\r\n")
	return w.Flush()
}

// end is one end of a tunnel.
type end struct {
	io.Closer
	r io.Reader
	w io.Writer
}

// tunnel copies in both directions. When one has ended, the other side is told
// so, and may finish what it is sending. When one has failed, both are over.
func (f *forward) tunnel(client, up *end) {
	var ending atomic.Bool
	over := func() {
		_ = client.Close()
		_ = up.Close()
	}
	defer f.limit(over)()
	down := make(chan struct{})
	go func() {
		defer close(down)
		if f.pump(client, up, &ending) != nil {
			over()
		}
	}()
	if f.pump(up, client, &ending) != nil {
		over()
	}
	<-down
	over()
}

// limit lets over be called when the stream has had its time, or some time
// after a reload, if either is configured. The result takes that back.
func (f *forward) limit(over func()) (forget func()) {
	var stops []func() bool
	if d := f.config.StreamTimeout; d > 0 {
		stops = append(stops, time.AfterFunc(d, over).Stop)
	}
	if d := f.config.StreamCloseDelay; d > 0 {
		var timer atomic.Pointer[time.Timer]
		stops = append(stops, context.AfterFunc(f.lease.released, func() { timer.Store(time.AfterFunc(d, over)) }), func() bool {
			t := timer.Load()
			return t != nil && t.Stop()
		})
	}
	return func() {
		for _, stop := range stops {
			stop()
		}
	}
}

// pump copies from one end to the other until that ends.
func (f *forward) pump(to, from *end, ending *atomic.Bool) error {
	buffer := f.buffers.Get()
	defer f.buffers.Put(buffer)
	for {
		if ending.Load() {
			from.patience()
		}
		n, err := from.r.Read(buffer)
		if n > 0 {
			if _, err := to.w.Write(buffer[:n]); err != nil {
				return err
			}
		}
		switch {
		case err == io.EOF:
			ending.Store(true)
			to.patience()
			return to.closeWrite()
		case err != nil:
			return err
		}
	}
}

// patience begins the time in which something must come from e.
func (e *end) patience() {
	if d, ok := e.w.(interface{ SetReadDeadline(time.Time) error }); ok {
		_ = d.SetReadDeadline(time.Now().Add(halfClosed))
	}
}

var errNoHalf = errors.New("the connection cannot be closed in one direction")

func (e *end) closeWrite() error {
	half, ok := e.w.(interface{ CloseWrite() error })
	if !ok {
		return errNoHalf
	}
	return half.CloseWrite()
}
