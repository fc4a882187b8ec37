package dwaarfile

// File is a parsed Dwaarfile, all imports followed.
type File struct {
	// Global is the block of global options, nil if there is none.
	Global *Block
	// Sites are in the order of the text.
	Sites []*Site
	// Routes are the named routes: &(name) { … }. Name holds what stands
	// between the parentheses.
	Routes []*Directive
	// Comments are those of the file itself, not of what it imports.
	Comments []Comment
	// Files are all files that were read, the first one first.
	Files []string
	// Patterns are those of imports, as paths: what matches them may change.
	Patterns []string
	// Warnings are no problems: the text means something, but perhaps not
	// what was meant.
	Warnings Problems
}

// Site is one site: its addresses and what is said about it.
type Site struct {
	Addresses []Token // without the commas; at least one
	Block     *Block  // Open and Close are zero for a site without braces
}

// Block is what stands between { and }.
type Block struct {
	Open, Close Position
	Directives  []*Directive
}

// Directive is one line: a name, its arguments, and the block it opens, if any.
// Options inside of a directive's block have the same form.
type Directive struct {
	Name  Token
	Args  []Token
	Block *Block // nil without { }
}
