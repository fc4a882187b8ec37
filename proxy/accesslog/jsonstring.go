package accesslog

import "unicode/utf8"

const hexDigits = "0123456789abcdef"

// appendString writes a JSON string. What is not UTF-8 becomes U+FFFD, and no
// control character reaches a terminal.
func appendString(buf []byte, s string) []byte {
	buf = append(buf, '"')
	written := 0
	for i := 0; i < len(s); {
		b := s[i]
		if b >= ' ' && b != '"' && b != '\\' && b < 0x7f {
			i++
			continue
		}
		r, size := rune(b), 1
		if b >= utf8.RuneSelf {
			if r, size = utf8.DecodeRuneInString(s[i:]); r > 0x9f && (r != utf8.RuneError || size > 1) && r != '\u2028' && r != '\u2029' {
				i += size
				continue
			}
		}
		buf = append(buf, s[written:i]...)
		switch {
		case b == '"' || b == '\\':
			buf = append(buf, '\\', b)
		default:
			buf = append(buf, '\\', 'u', hexDigits[r>>12&15], hexDigits[r>>8&15], hexDigits[r>>4&15], hexDigits[r&15])
		}
		i += size
		written = i
	}
	buf = append(buf, s[written:]...)
	return append(buf, '"')
}
