// Package cluster is the storage that several dwaars share, as one of them sees it: with a
// copy on its own disk, and encrypted if there is a key.
package cluster
