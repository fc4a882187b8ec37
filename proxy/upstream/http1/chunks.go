package http1

import (
	"bufio"
	"errors"
	"io"
)

const (
	// maxChunkLine bounds a line with the size of a chunk.
	maxChunkLine = 1 << 10
	// maxWaste bounds the extensions of chunks, which nobody reads, beyond
	// one byte for each byte of data. Sizes do not count: a server may send
	// what it has byte by byte.
	maxWaste = 16 << 10
	// plainLine is the longest line without extensions.
	plainLine = maxDigits + int64(len("\r\n"))
	// maxDigits are those of a size.
	maxDigits = 15
)

var (
	errBufferFull = bufio.ErrBufferFull
	errChunk      = errors.New("malformed chunk")
	errWaste      = errors.New("too much about chunks for the data in them")
)

// chunks reads a chunked body (RFC 9112 §7.1), up to its last chunk.
type chunks struct {
	left    int64 // of the chunk
	inside  bool  // the end of the chunk's data has not been read
	ended   bool
	waste   int64
	scratch [2]byte
}

// read returns what it has rather than wait for more.
func (c *chunks) read(r *bufio.Reader, p []byte) (n int, err error) {
	for !c.ended && n < len(p) {
		if n > 0 && !c.ready(r) {
			return n, nil
		}
		if c.left == 0 {
			if err := c.next(r); err != nil {
				return n, unexpected(err)
			}
			continue
		}
		part := p[n:min(int64(len(p)), int64(n)+c.left)]
		m, err := r.Read(part)
		n += m
		c.left -= int64(m)
		c.waste = max(0, c.waste-int64(m))
		if err != nil {
			return n, unexpected(err)
		}
	}
	if c.ended {
		return n, io.EOF
	}
	return n, nil
}

// next reads from the end of a chunk's data to the beginning of the next's.
func (c *chunks) next(r *bufio.Reader) error {
	if c.inside {
		if _, err := io.ReadFull(r, c.scratch[:]); err != nil {
			return err
		}
		if string(c.scratch[:]) != "\r\n" {
			return errChunk
		}
		c.inside = false
	}
	line, err := r.ReadSlice('\n')
	switch {
	case err == errBufferFull || len(line) > maxChunkLine:
		return errWaste
	case err != nil:
		return err
	}
	size, err := chunkSize(line)
	if err != nil {
		return err
	}
	c.waste += max(0, int64(len(line))-plainLine)
	if c.waste > maxWaste {
		return errWaste
	}
	c.left, c.inside, c.ended = size, size > 0, size == 0
	return nil
}

// chunkSize reads a line with a size. Both CR and LF must be there: servers
// that disagree about the end of this line are told apart by smugglers.
func chunkSize(line []byte) (size int64, err error) {
	end := len(line) - 2
	if end < 0 || line[end] != '\r' {
		return 0, errChunk
	}
	digits := 0
	for ; digits < end; digits++ {
		v, ok := hexDigit(line[digits])
		if !ok {
			break
		}
		if digits == maxDigits {
			return 0, errChunk
		}
		size = size<<4 | v
	}
	rest := line[digits:end]
	for len(rest) > 0 && (rest[0] == ' ' || rest[0] == '\t') {
		rest = rest[1:]
	}
	if digits == 0 || len(rest) > 0 && rest[0] != ';' || !isFieldValue(string(rest)) {
		return 0, errChunk
	}
	return size, nil
}

func hexDigit(c byte) (int64, bool) {
	switch {
	case '0' <= c && c <= '9':
		return int64(c - '0'), true
	case 'a' <= c && c <= 'f':
		return int64(c-'a') + 10, true
	case 'A' <= c && c <= 'F':
		return int64(c-'A') + 10, true
	}
	return 0, false
}

// ready reports whether read has something to return without waiting: data of
// a chunk, or the end of the body.
func (c *chunks) ready(r *bufio.Reader) bool {
	if c.ended {
		return true
	}
	have := r.Buffered()
	if c.left > 0 {
		return have > 0
	}
	// The line of the next chunk and a byte after it, or the whole end.
	buffered, _ := r.Peek(have)
	if c.inside {
		if have < 2 {
			return false
		}
		buffered = buffered[2:]
	}
	for i, b := range buffered {
		if b == '\n' {
			return buffered[0] != '0' && i+1 < len(buffered) || headEnd(buffered) > 0
		}
	}
	return false
}

func unexpected(err error) error {
	if err == io.EOF {
		return io.ErrUnexpectedEOF
	}
	return err
}
