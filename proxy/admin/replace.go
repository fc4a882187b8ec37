package admin

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"strings"
	"time"
)

// replaceTimeout bounds one order with all its issuers: DNS records may take
// minutes to be seen.
const replaceTimeout = 15 * time.Minute

// replaced answers with the certificates of a name after replace has got new
// ones.
func (a api) replaced(replace func(ctx context.Context, name string) error) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		extend(w, r, replaceTimeout+answerTimeout)
		ctx, cancel := context.WithTimeout(r.Context(), replaceTimeout)
		defer cancel()
		name := strings.ToLower(strings.TrimSuffix(r.PathValue("name"), "."))
		managed, ok := a.managed(name)
		if !ok {
			refuse(w, http.StatusConflict, "the certificate for "+name+" is the operator's: replace its files, dwaar serves the new ones by itself")
			return
		}
		for _, name := range managed {
			if err := replace(ctx, name); err != nil {
				refuse(w, codeOf(err), name+": "+strings.TrimPrefix(err.Error(), name+": "))
				return
			}
		}
		answer(w, http.StatusOK, certificateList{a.carriersOf(managed)})
	}
}

// managed is which names stand for name: those of dwaar's own certificates that
// are meant by it, or the name itself, which may have no certificate yet. It is
// false if the only certificates of the name come from files.
func (a api) managed(name string) (names []string, ok bool) {
	found := find(a.ctl.Status().Certificates, name)
	if len(found) == 0 {
		return []string{name}, true
	}
	for _, c := range found {
		if c.Source != "manual" && len(c.Names) > 0 && !slices.Contains(names, c.Names[0]) {
			names = append(names, c.Names[0])
		}
	}
	return names, len(names) > 0
}

// carriersOf are the certificates that dwaar has got for names.
func (a api) carriersOf(names []string) []Certificate {
	certs := []Certificate{}
	for _, c := range a.ctl.Status().inUTC().Certificates {
		if c.Source != "manual" && len(c.Names) > 0 && slices.Contains(names, c.Names[0]) {
			certs = append(certs, c)
		}
	}
	return certs
}

func codeOf(err error) int {
	switch {
	case errors.Is(err, ErrUnmanaged):
		return http.StatusNotFound
	case errors.Is(err, context.DeadlineExceeded):
		return http.StatusGatewayTimeout
	}
	return http.StatusBadGateway // whoever issues certificates gave none
}
