// Package encode compresses responses on their way to clients that ask for it.
package encode
