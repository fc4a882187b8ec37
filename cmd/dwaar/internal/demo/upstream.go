package demo

import (
	"fmt"
	"net/http"
)

// hello is the web application behind the proxy.
func hello(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	fmt.Fprintf(w, "Hello from behind dwaar: %s %s, asked for by %s over %s.\n",
		r.Method, r.URL.Path, r.Header.Get("X-Forwarded-For"), r.Header.Get("X-Forwarded-Proto"))
}
