package main

import (
	"fmt"
	"slices"
	"strings"
	"unicode"
)

// contextLines is how many unchanged lines a diff shows around a change.
const contextLines = 3

// edit is one line of a diff: ' ' in both texts, '-' in the old, '+' in the new.
type edit struct {
	kind byte
	line string
}

// unifiedDiff is what turns old into new, as patch reads it; empty if nothing
// does. It is made for texts that differ in white space: what else differs is
// shown truly, too, but not shortly.
func unifiedDiff(name, old, new string) string {
	if old == new {
		return ""
	}
	edits := edits(slices.Collect(strings.Lines(old)), slices.Collect(strings.Lines(new)))
	var out strings.Builder
	fmt.Fprintf(&out, "--- %s\n+++ %s\n", name, name)
	from, oldLine, newLine := 0, 0, 0
	for {
		first, end := nextHunk(edits, from)
		if first == end {
			return out.String()
		}
		oldLine, newLine = oldLine+first-from, newLine+first-from
		oldCount, newCount := sizes(edits[first:end])
		fmt.Fprintf(&out, "@@ -%s +%s @@\n", span(oldLine, oldCount), span(newLine, newCount))
		for _, e := range edits[first:end] {
			e.write(&out)
		}
		from, oldLine, newLine = end, oldLine+oldCount, newLine+newCount
	}
}

func (e edit) write(out *strings.Builder) {
	out.WriteByte(e.kind)
	out.WriteString(e.line)
	if !strings.HasSuffix(e.line, "\n") {
		out.WriteString("\n\\ No newline at end of file\n")
	}
}

// edits walks both texts at once. Formatting changes lines, and adds and takes
// away blank ones, but keeps their order.
func edits(old, new []string) []edit {
	var all []edit
	for len(old) > 0 || len(new) > 0 {
		switch {
		case len(old) > 0 && len(new) > 0 && old[0] == new[0]:
			all = append(all, edit{' ', old[0]})
			old, new = old[1:], new[1:]
		case len(old) > 0 && len(new) > 0 && bare(old[0]) == bare(new[0]):
			all = append(all, edit{'-', old[0]}, edit{'+', new[0]})
			old, new = old[1:], new[1:]
		case len(old) == 0 || len(new) > 0 && bare(new[0]) == "" && bare(old[0]) != "":
			all = append(all, edit{'+', new[0]})
			new = new[1:]
		default:
			all = append(all, edit{'-', old[0]})
			old = old[1:]
		}
	}
	return all
}

// bare is a line without what formatting may change in it.
func bare(line string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsSpace(r) || r == '\uFEFF' {
			return -1
		}
		return r
	}, line)
}

// nextHunk finds the next changes at or behind from, with their context; nothing
// when there are none. Changes whose contexts touch are one hunk.
func nextHunk(edits []edit, from int) (first, end int) {
	at := nextChange(edits, from)
	if at == len(edits) {
		return at, at
	}
	first, end = max(from, at-contextLines), at
	for at < len(edits) && at-contextLines <= end {
		end = min(at+1+contextLines, len(edits))
		at = nextChange(edits, at+1)
	}
	return first, end
}

func nextChange(edits []edit, from int) int {
	for from < len(edits) && edits[from].kind == ' ' {
		from++
	}
	return from
}

// sizes counts the lines of a hunk in both texts.
func sizes(hunk []edit) (old, new int) {
	for _, e := range hunk {
		if e.kind != '+' {
			old++
		}
		if e.kind != '-' {
			new++
		}
	}
	return old, new
}

// span is a range of lines behind the first before; an empty one names the line
// before it.
func span(before, count int) string {
	if count > 0 {
		before++
	}
	return fmt.Sprintf("%d,%d", before, count)
}
