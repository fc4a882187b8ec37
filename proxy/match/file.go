package match

import "fmt"

// fileTests look at the disk, and keep what they found in the state of the
// request.
func (s Set) fileTests() ([]test, error) {
	if s.File == nil {
		return nil, nil
	}
	finder, err := s.File.Compile()
	if err != nil {
		return nil, fmt.Errorf("file: %w", err)
	}
	return []test{finder.Match}, nil
}
