package upstream

import "sync"

const bufferSize = 32 << 10

// buffers lends the memory that bodies are copied through.
type buffers struct{ free sync.Pool }

// Get implements [httputil.BufferPool].
func (b *buffers) Get() []byte {
	if buffer, ok := b.free.Get().(*[bufferSize]byte); ok {
		return buffer[:]
	}
	return new([bufferSize]byte)[:]
}

// Put implements [httputil.BufferPool].
func (b *buffers) Put(buffer []byte) {
	if len(buffer) == bufferSize {
		b.free.Put((*[bufferSize]byte)(buffer))
	}
}
