// Package files serves files of the local disk, and finds out which are there.
//
// A path of a request is resolved below a root before anything is opened:
// dot segments in any writing, NULs and, where they mean something, back
// slashes and drive letters never lead out of it. Symbolic links are followed
// wherever they lead, as in Caddy: who may create links below the root decides
// what is served.
package files
