package tlsstore

import "strings"

// A host name has at most 253 bytes and a label at most 63 (RFC 1035 §2.3.4).
const (
	maxName  = 253
	maxLabel = 63
)

// normalName returns the form in which names are compared: lower case, without the trailing
// dot. It reports false for what is no host name in ASCII (RFC 6066 §3): a letter with an
// accent, a byte such as NUL or '*', an empty or too long label. A name that is normal
// already is returned as it is, without allocating.
func normalName(name string) (string, bool) {
	name = strings.TrimSuffix(name, ".")
	if len(name) == 0 || len(name) > maxName {
		return "", false
	}
	label, upper := 0, false
	for i := range len(name) {
		c := name[i]
		switch {
		case c == '.':
			if label == 0 {
				return "", false
			}
			label = 0
			continue
		case 'A' <= c && c <= 'Z':
			upper = true
		case 'a' <= c && c <= 'z', '0' <= c && c <= '9', c == '-', c == '_':
		default:
			return "", false
		}
		if label++; label > maxLabel {
			return "", false
		}
	}
	if upper {
		name = strings.ToLower(name)
	}
	return name, label > 0
}

// isHostName reports whether a name in normal form may be asked for: labels of letters, digits
// and inner hyphens (RFC 1123 §2.1), the last of them no number, as in an address.
func isHostName(name string) bool {
	for label := range strings.SplitSeq(name, ".") {
		if label == "" || label[0] == '-' || label[len(label)-1] == '-' || strings.Contains(label, "_") {
			return false
		}
	}
	last := name[strings.LastIndexByte(name, '.')+1:]
	return strings.Trim(last, "0123456789") != ""
}
