package proxy

import (
	"net/http"
	"net/textproto"
	"slices"
	"strings"
)

// keepToConnection takes out of a client's header what it says is for this
// connection alone (RFC 9110 §7.6.1), and its list down to what is about the
// connection itself. That is done before handlers add fields: or a client
// could name one of theirs, and the upstream would not get it.
func keepToConnection(header http.Header) {
	if !slices.ContainsFunc(header["Connection"], namesFields) {
		return
	}
	var kept []string
	for _, list := range header["Connection"] {
		for name := range strings.SplitSeq(list, ",") {
			if name = textproto.TrimString(name); isOption(name) {
				kept = append(kept, name)
			} else if name != "" {
				delete(header, http.CanonicalHeaderKey(name))
			}
		}
	}
	header["Connection"] = []string{strings.Join(kept, ", ")}
}

// namesFields reports whether a list is more than one option.
func namesFields(list string) bool { return !isOption(list) }

// isOption holds for what Connection says without meaning a field, and for
// fields that whoever forwards judges by themselves.
func isOption(name string) bool {
	for _, option := range [...]string{"close", "keep-alive", "upgrade", "te"} {
		if strings.EqualFold(name, option) {
			return true
		}
	}
	return false
}
