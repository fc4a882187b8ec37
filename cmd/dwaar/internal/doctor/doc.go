// Package doctor looks for what keeps a dwaar from working: in its Dwaarfile, on
// this machine, and with those it has to ask. It changes nothing that anybody
// else could notice.
package doctor
