// Package running keeps the services of a process running, such as its OCSP
// responders, while the configuration changes: others take their places under
// requests, and what stays the same keeps its cache and its connections.
package running
