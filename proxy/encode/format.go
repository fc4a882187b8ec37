package encode

import (
	"fmt"
	"io"
	"strconv"
	"sync"

	"github.com/andybalholm/brotli"
	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"
)

// encoder compresses one response after the other.
type encoder interface {
	io.WriteCloser
	Flush() error
	Reset(io.Writer)
}

// window bounds the memory of an encoder, and of the decoder at the other end.
// It is large enough for pages and scripts.
const window = 18 // bits

// encoders gives what makes encoders of a format.
func (f Format) encoders() (func() encoder, error) {
	switch f.Name {
	case "gzip":
		level, err := f.number(5, 1, 9)
		return func() encoder { return mustMake(gzip.NewWriterLevel(io.Discard, level)) }, err
	case "br":
		quality, err := f.number(4, 0, 11)
		return func() encoder {
			return brotli.NewWriterOptions(io.Discard, brotli.WriterOptions{Quality: quality, LGWin: window})
		}, err
	case "zstd":
		level, err := f.zstdLevel()
		return func() encoder {
			return mustMake(zstd.NewWriter(nil, zstd.WithEncoderLevel(level), zstd.WithWindowSize(1<<window),
				zstd.WithEncoderConcurrency(1), zstd.WithLowerEncoderMem(true), zstd.WithZeroFrames(true)))
		}, err
	}
	return nil, fmt.Errorf("%q is not zstd, gzip or br", f.Name)
}

func (f Format) number(preset, least, most int) (int, error) {
	if f.Level == "" {
		return preset, nil
	}
	n, err := strconv.Atoi(f.Level)
	if err != nil || n < least || n > most {
		return 0, fmt.Errorf("the level %q of %s is not a number from %d to %d", f.Level, f.Name, least, most)
	}
	return n, nil
}

func (f Format) zstdLevel() (zstd.EncoderLevel, error) {
	switch f.Level {
	case "fastest":
		return zstd.SpeedFastest, nil
	case "", "default":
		return zstd.SpeedDefault, nil
	case "better":
		return zstd.SpeedBetterCompression, nil
	case "best":
		return zstd.SpeedBestCompression, nil
	}
	return 0, fmt.Errorf("the level %q of zstd is not fastest, default, better or best", f.Level)
}

// mustMake takes an encoder whose options were checked.
func mustMake[T any](made T, err error) T {
	if err != nil {
		panic(err)
	}
	return made
}

// pool lends the encoders of a format. What is not used for a while is
// collected.
type pool struct {
	name   string // as in Content-Encoding
	suffix string // of strong ETags
	free   sync.Pool
}

func newPool(f Format) (*pool, error) {
	build, err := f.encoders()
	if err != nil {
		return nil, err
	}
	return &pool{name: f.Name, suffix: "-" + f.Name + `"`, free: sync.Pool{New: func() any { return build() }}}, nil
}

func (p *pool) get(w io.Writer) encoder {
	e := p.free.Get().(encoder)
	e.Reset(w)
	return e
}

func (p *pool) put(e encoder) {
	e.Reset(io.Discard) // it must not keep the response alive
	p.free.Put(e)
}
