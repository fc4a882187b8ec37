package main

import (
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"golang.org/x/term"
)

// progress shows how far a long work is: a bar on a terminal, else a line every
// now and then.
type progress struct {
	w        io.Writer
	terminal bool
	total    int
	began    time.Time
	shown    time.Time
}

// Between two lines; the first second of a work is not worth one.
const (
	barEvery  = 200 * time.Millisecond
	lineEvery = 5 * time.Second
	barWidth  = 30
)

func (a *app) progress(total int) *progress {
	f, isFile := a.stderr.(*os.File)
	now := time.Now()
	return &progress{w: a.stderr, terminal: isFile && term.IsTerminal(int(f.Fd())), total: total, began: now, shown: now}
}

// at says how much is done.
func (p *progress) at(done int) {
	every := lineEvery
	if p.terminal {
		every = barEvery
	}
	if time.Since(p.shown) < every {
		return
	}
	p.shown = time.Now()
	if p.terminal {
		fmt.Fprintf(p.w, "\r\x1b[K%s %s", p.bar(done), p.words(done))
		return
	}
	fmt.Fprintln(p.w, p.words(done))
}

func (p *progress) bar(done int) string {
	full := barWidth * done / max(p.total, 1)
	return "[" + strings.Repeat("#", full) + strings.Repeat(" ", max(0, barWidth-full)) + "]"
}

func (p *progress) words(done int) string {
	rate := float64(done) / time.Since(p.began).Seconds()
	left := time.Duration(float64(p.total-done) / max(rate, 1) * float64(time.Second)).Round(time.Second)
	return fmt.Sprintf("%d of %d (%d%%), %.0f a second, %s left", done, p.total, 100*done/max(p.total, 1), rate, left)
}

// end takes the bar away.
func (p *progress) end() {
	if p.terminal {
		fmt.Fprint(p.w, "\r\x1b[K")
	}
}
