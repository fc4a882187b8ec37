// Package dwaarfile reads the text of a Dwaarfile into blocks. It knows the
// grammar — quotes, heredocs, line continuation, environment references,
// addresses, snippets, imports — and not one directive.
//
// The grammar is the Caddyfile's, and stricter where that one guesses: an
// unclosed quote, an unclosed heredoc and an environment variable that empties
// a site address are errors. A text that parses here means what it means there.
// Format gives a text its one layout without changing what it means.
//
// All problems of a text are reported, not only the first, each with the file,
// line and column where it stands and the imports that led to it.
package dwaarfile
