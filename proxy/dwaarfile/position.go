package dwaarfile

import "fmt"

// Position is a place in a file. Line and Col count from 1, Col in characters.
// The zero Position is nowhere.
type Position struct {
	File string `json:"file"`
	Line int    `json:"line"`
	Col  int    `json:"col"`
}

// String is the usual file:line:col, or what of it there is.
func (p Position) String() string {
	if p.Line == 0 {
		return p.File
	}
	return fmt.Sprintf("%s:%d:%d", p.File, p.Line, p.Col)
}

// Import is one step on the way by which a token came into the text: the
// import line at Pos brought in Name. Via is the import that brought in that
// line, nil for a line of the file that was asked for.
type Import struct {
	Pos  Position
	Name string
	Via  *Import
}

// depth is the number of imports that led here.
func (i *Import) depth() int {
	n := 0
	for ; i != nil; i = i.Via {
		n++
	}
	return n
}
