package match

import (
	"fmt"
	"net/http"
	"slices"
	"strings"

	"golang.org/x/net/http/httpguts"
)

func (s Set) methodTests() ([]test, error) {
	if len(s.Method) == 0 {
		return nil, nil
	}
	for _, method := range s.Method {
		if !httpguts.ValidHeaderFieldName(method) { // RFC 9110 §9.1: a token, as field names are
			return nil, fmt.Errorf("method: %q is not a method", method)
		}
		if upper := strings.ToUpper(method); upper != method {
			return nil, fmt.Errorf("method: methods are in upper case: write %s", upper)
		}
	}
	return []test{func(r *http.Request) bool { return slices.Contains(s.Method, r.Method) }}, nil
}
