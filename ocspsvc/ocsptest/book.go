package ocsptest

import (
	"context"
	"log/slog"
	"strings"
	"sync"
	"testing"
)

// Book collects what is logged to Log, and shows it in the test's output.
type Book struct {
	Log *slog.Logger

	mu    sync.Mutex // guards lines
	lines []Line
}

// Line is one line of a Book.
type Line struct {
	Level slog.Level
	Text  string
	Attrs map[string]string
}

// NewBook is an empty book.
func NewBook(t testing.TB) *Book {
	b := &Book{}
	b.Log = slog.New(&page{book: b, shown: slog.NewTextHandler(t.Output(), &slog.HandlerOptions{Level: slog.LevelInfo})})
	return b
}

// Find returns the lines of a level that contain text.
func (b *Book) Find(level slog.Level, text string) (found []Line) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, l := range b.lines {
		if l.Level == level && strings.Contains(l.Text, text) {
			found = append(found, l)
		}
	}
	return found
}

// Loud counts what an operator would be bothered with.
func (b *Book) Loud() int {
	return len(b.Find(slog.LevelWarn, "")) + len(b.Find(slog.LevelError, ""))
}

func (b *Book) write(l Line) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.lines = append(b.lines, l)
}

// page is the handler of a Book.
type page struct {
	book  *Book
	shown slog.Handler
}

func (p *page) Enabled(context.Context, slog.Level) bool { return true }
func (p *page) WithAttrs([]slog.Attr) slog.Handler       { return p }
func (p *page) WithGroup(string) slog.Handler            { return p }

func (p *page) Handle(ctx context.Context, r slog.Record) error {
	l := Line{r.Level, r.Message, map[string]string{}}
	r.Attrs(func(a slog.Attr) bool { l.Attrs[a.Key] = a.Value.String(); return true })
	p.book.write(l)
	if p.shown.Enabled(ctx, r.Level) {
		return p.shown.Handle(ctx, r)
	}
	return nil
}
