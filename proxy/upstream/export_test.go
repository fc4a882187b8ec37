package upstream

// Open is how many pools there are.
func (p *Pools) Open() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return len(p.open)
}
