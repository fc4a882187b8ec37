package request

// Captures counts what is kept.
func (s *State) Captures() int { return len(s.captures) }
