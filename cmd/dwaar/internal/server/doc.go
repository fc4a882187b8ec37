// Package server makes one running dwaar of all its parts: it reads the
// Dwaarfile, builds every part from it, joins the TLS, OCSP and HTTP wings by
// small adapters, supervises what runs, and swaps everything on a reload. It is
// the one place that knows everyone.
package server
