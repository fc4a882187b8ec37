// Package ocsptest makes what tests of OCSP need: three-level CAs, leaves and
// delegates of every key type, and a responder with switchable faults.
//
//	ca := ocsptest.NewCA(t)
//	responder := ocsptest.NewResponder(t, ca)
//	leaf := ca.Leaf(t, ocsptest.OCSP(responder.Start(t)))
//	…
//	responder.Set(ocsptest.Hang)
//
// Dates are made from time.Now, so that all of it works inside a synctest
// bubble, where Responder.Fetch and Responder.Respond need no network.
package ocsptest
