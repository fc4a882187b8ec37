package dwaarfile

import (
	"fmt"
	"slices"
	"strings"
)

// Problem is one thing that is wrong with a text, and where.
type Problem struct {
	Pos     Position
	Via     *Import // how the place was reached, nil when it stands in the file that was asked for
	Message string

	unclear bool // it leaves open what the rest of the text means
}

// Error is file:line:col: message, followed by the imports that led there.
func (p Problem) Error() string {
	var b strings.Builder
	if p.Pos != (Position{}) {
		b.WriteString(p.Pos.String())
		b.WriteString(": ")
	}
	b.WriteString(p.Message)
	for via := p.Via; via != nil; via = via.Via {
		fmt.Fprintf(&b, " (imported at %s)", via.Pos)
	}
	return b.String()
}

// Problems are all problems of a text. As an error it has one line for each.
type Problems []Problem

// Error is one line per problem.
func (ps Problems) Error() string {
	lines := make([]string, len(ps))
	for i, p := range ps {
		lines[i] = p.Error()
	}
	return strings.Join(lines, "\n")
}

// Unwrap gives the problems one by one, for errors.As.
func (ps Problems) Unwrap() []error {
	errs := make([]error, len(ps))
	for i, p := range ps {
		errs[i] = p
	}
	return errs
}

// Err is ps as an error: nil when there are none.
func (ps Problems) Err() error {
	if len(ps) == 0 {
		return nil
	}
	return ps
}

// add keeps p, unless there are far more than anyone will read.
func (ps *Problems) add(p Problem) {
	if len(*ps) < 10*MaxProblems {
		*ps = append(*ps, p)
	}
}

// Sorted is ps in reading order: files in the order in which they are first
// mentioned, then lines and columns. The same problem at the same place stands
// once. At most MaxProblems are kept, and a last one says that there are more.
func (ps Problems) Sorted() Problems {
	files := map[string]int{}
	for _, p := range ps {
		if _, known := files[p.Pos.File]; !known {
			files[p.Pos.File] = len(files)
		}
	}
	sorted := slices.Clone(ps)
	slices.SortStableFunc(sorted, func(a, b Problem) int {
		if a.Pos.File != b.Pos.File {
			return files[a.Pos.File] - files[b.Pos.File]
		}
		if a.Pos.Line != b.Pos.Line {
			return a.Pos.Line - b.Pos.Line
		}
		return a.Pos.Col - b.Pos.Col
	})
	sorted = slices.CompactFunc(sorted, func(a, b Problem) bool { return a.Error() == b.Error() })
	return sorted.capped()
}

func (ps Problems) capped() Problems {
	if len(ps) <= MaxProblems {
		return ps
	}
	more := Problem{Message: "too many problems: more are not shown"}
	return append(ps[:MaxProblems:MaxProblems], more)
}
