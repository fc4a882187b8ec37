// Package handler holds what can be done with a request, one file per
// directive: the data a Dwaarfile decodes into, and its compilation into an
// [http.Handler]. Everything that can be decided at load is: templates,
// patterns and addresses are parsed once.
package handler

import (
	"log/slog"
	"net/http"

	"dwaar/proxy/kept"
	"dwaar/proxy/upstream"
)

// Directive is one handler directive as data. Its JSON is its configuration.
type Directive interface {
	// Name is the word that is written in a Dwaarfile: "respond".
	Name() string
	// Compile checks the data and makes it ready to serve. Errors start with
	// the directive's name.
	Compile(env *Env) (Middleware, error)
}

// Middleware makes the handler that does its part and calls next, or answers
// and does not call it.
type Middleware func(next http.Handler) http.Handler

// Env is what compiled handlers share with the server that serves them.
type Env struct {
	// Log takes what handlers have to say about their work.
	Log *slog.Logger
	// Pools keep the connections to upstreams, over reloads too.
	Pools *upstream.Lease
	// Kept is what handlers remember, over reloads too; nil keeps nothing.
	Kept *kept.Lease
	// Metrics shows the metrics of the program; nil is 404.
	Metrics http.Handler
	// OCSPResponder answers OCSP requests as these responders do together; nil
	// is nobody.
	OCSPResponder func(numbers []int) (http.Handler, error)
	// OCSPRelay answers them as this relay does; nil is nobody.
	OCSPRelay func(number int) (http.Handler, error)

	onlyCheck bool // of what is written: files are not for opening
}

// Check reports what is wrong with d: the error its compilation in a server
// would give, as far as that can be told without opening the files that d
// names for upstreams. It dials nothing.
func Check(d Directive) error {
	lease := upstream.NewPools().Lease()
	defer lease.Release()
	_, err := d.Compile(&Env{Log: slog.New(slog.DiscardHandler), Pools: lease, onlyCheck: true})
	return err
}
