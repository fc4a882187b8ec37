package match

import (
	"fmt"
	"net/http"
	"strings"
)

// protocol gives the test for a word of Protocol: http, https, grpc, or a
// version of HTTP, with a + for this one and those after it. It is nil for
// other words.
func protocol(word string) test {
	switch word {
	case "http":
		return func(r *http.Request) bool { return r.TLS == nil }
	case "https":
		return func(r *http.Request) bool { return r.TLS != nil }
	case "grpc":
		return func(r *http.Request) bool { return strings.HasPrefix(r.Header.Get("Content-Type"), "application/grpc") }
	case "http/1.0":
		return func(r *http.Request) bool { return r.ProtoMajor == 1 && r.ProtoMinor == 0 }
	case "http/1.1":
		return func(r *http.Request) bool { return r.ProtoMajor == 1 && r.ProtoMinor == 1 }
	case "http/2":
		return func(r *http.Request) bool { return r.ProtoMajor == 2 }
	case "http/3":
		return func(r *http.Request) bool { return r.ProtoMajor == 3 }
	case "http/1.0+":
		return func(r *http.Request) bool { return r.ProtoAtLeast(1, 0) }
	case "http/1.1+":
		return func(r *http.Request) bool { return r.ProtoAtLeast(1, 1) }
	case "http/2+":
		return func(r *http.Request) bool { return r.ProtoMajor >= 2 }
	case "http/3+":
		return func(r *http.Request) bool { return r.ProtoMajor >= 3 }
	}
	return nil
}

func (s Set) protocolTests() ([]test, error) {
	if len(s.Protocol) == 0 {
		return nil, nil
	}
	var words []test
	for _, word := range s.Protocol {
		holds := protocol(strings.ToLower(word))
		if holds == nil {
			return nil, fmt.Errorf("protocol: %q is not http, https, grpc, http/1.0, http/1.1, http/2, http/3, or one of these versions with a + behind it", word)
		}
		words = append(words, holds)
	}
	return []test{anyOf(words)}, nil
}

// anyOf holds where one of tests does.
func anyOf(tests []test) test {
	if len(tests) == 1 {
		return tests[0]
	}
	return func(r *http.Request) bool {
		for _, holds := range tests {
			if holds(r) {
				return true
			}
		}
		return false
	}
}
