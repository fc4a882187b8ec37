package upstream

import (
	"io"
	"mime"
	"net/http"
	"sync"
	"time"
)

// copyBody sends the body as it comes: at once where more may take its time,
// and a client may be waiting for what there is.
func (f *forward) copyBody(w http.ResponseWriter, response *http.Response, trailers bool) error {
	out := f.outlet(w, response)
	defer out.stop()
	if trailers { // which need chunks
		_ = out.flush()
	} else if !isReady(response.Body) {
		if err := out.settle(); err != nil {
			return err
		}
	}
	buffer := f.buffers.Get()
	defer f.buffers.Put(buffer)
	for {
		n, err := response.Body.Read(buffer)
		if n > 0 {
			if err := out.write(buffer[:n]); err != nil {
				return err
			}
		}
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return err
		}
		if !isReady(response.Body) {
			if err := out.settle(); err != nil {
				return err
			}
		}
	}
}

// outlet is where a body goes, with the rule for what may wait to be sent.
type outlet struct {
	w     http.ResponseWriter
	after time.Duration // zero: whenever; negative: at once

	mu    sync.Mutex // held while writing, if after is positive
	timer *time.Timer
	ended bool
}

func (f *forward) outlet(w http.ResponseWriter, response *http.Response) *outlet {
	o := &outlet{w: w, after: f.config.FlushInterval}
	if streams(response) {
		o.after = -1
	}
	return o
}

func (o *outlet) write(p []byte) error {
	if o.after > 0 {
		o.mu.Lock()
		defer o.mu.Unlock()
	}
	_, err := o.w.Write(p)
	return err
}

// settle is called before a wait for the upstream.
func (o *outlet) settle() error {
	switch {
	case o.after < 0:
		return o.flush()
	case o.after > 0:
		o.mu.Lock()
		defer o.mu.Unlock()
		if o.timer == nil {
			o.timer = time.AfterFunc(o.after, o.flushLate)
		}
	}
	return nil
}

func (o *outlet) flush() error { return http.NewResponseController(o.w).Flush() }

// flushLate sends what has waited. An error will be the next write's, too.
func (o *outlet) flushLate() {
	o.mu.Lock()
	defer o.mu.Unlock()
	if !o.ended {
		o.timer = nil
		_ = o.flush()
	}
}

func (o *outlet) stop() {
	if o.after <= 0 {
		return
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	o.ended = true
	if o.timer != nil {
		o.timer.Stop()
	}
}

// streams reports whether a client may be waiting for a part of the body.
func streams(response *http.Response) bool {
	if response.ContentLength < 0 {
		return true
	}
	contentType, ok := response.Header["Content-Type"]
	if !ok || len(contentType[0]) < len("text/event-stream") {
		return false
	}
	base, _, _ := mime.ParseMediaType(contentType[0])
	return base == "text/event-stream"
}

// isReady reports whether the next read will not wait for the upstream.
func isReady(body io.Reader) bool {
	b, ok := body.(interface{ Ready() bool })
	return ok && b.Ready()
}
