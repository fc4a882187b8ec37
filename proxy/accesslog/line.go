package accesslog

import (
	"crypto/tls"
	"net"
	"net/http"
	"strconv"
	"time"
)

// line is the text of a record in the making.
type line struct {
	buf     []byte
	filters *filters
	secret  bool // credentials are written as REDACTED
}

// text writes a field that is a string.
func (l *line) text(f field, value string) {
	if c := l.filters.fields[f]; c != nil {
		var keep bool
		if value, keep = c(value); !keep {
			return
		}
	}
	l.buf = append(l.buf, keys[f]...)
	l.buf = appendString(l.buf, value)
}

// key writes the key of a field whose value follows, unless it is left out.
func (l *line) key(f field) bool {
	if l.filters.fields[f] != nil {
		return false
	}
	l.buf = append(l.buf, keys[f]...)
	return true
}

func (l *line) number(f field, value int64) {
	if l.key(f) {
		l.buf = strconv.AppendInt(l.buf, value, 10)
	}
}

// seconds writes a time or a duration in seconds, to the microsecond.
func (l *line) seconds(f field, micros int64) {
	if !l.key(f) {
		return
	}
	l.buf = strconv.AppendInt(l.buf, micros/1e6, 10)
	fraction := micros % 1e6
	if fraction == 0 {
		return
	}
	l.buf = append(l.buf, '.')
	for digit := int64(1e5); digit > 0 && fraction > 0; digit /= 10 {
		l.buf = append(l.buf, byte('0'+fraction/digit))
		fraction %= digit
	}
}

// end closes an object that was begun with open; without fields it has no comma.
func (l *line) end(open int) {
	if open < len(l.buf) && l.buf[open] == ',' {
		l.buf[open] = '{'
	} else {
		l.buf = append(l.buf, '{')
	}
	l.buf = append(l.buf, '}')
}

// request writes what the client sent.
func (l *line) request(r *http.Request, client string) {
	l.buf = append(l.buf, `,"request":`...)
	open := len(l.buf)
	host, port, _ := net.SplitHostPort(r.RemoteAddr)
	l.text(fieldRemoteIP, host)
	l.text(fieldRemotePort, port)
	l.text(fieldClientIP, client)
	l.text(fieldProto, r.Proto)
	l.text(fieldMethod, r.Method)
	l.text(fieldHost, r.Host)
	l.text(fieldURI, r.RequestURI)
	l.headers(fieldHeaders, r.Header, l.filters.request)
	if r.TLS != nil && l.key(fieldTLS) {
		l.tls(r.TLS)
	}
	l.end(open)
}

func (l *line) tls(state *tls.ConnectionState) {
	l.buf = append(l.buf, `{"resumed":`...)
	l.buf = strconv.AppendBool(l.buf, state.DidResume)
	l.buf = append(l.buf, `,"version":`...)
	l.buf = strconv.AppendUint(l.buf, uint64(state.Version), 10)
	l.buf = append(l.buf, `,"cipher_suite":`...)
	l.buf = strconv.AppendUint(l.buf, uint64(state.CipherSuite), 10)
	l.buf = append(l.buf, `,"proto":`...)
	l.buf = appendString(l.buf, state.NegotiatedProtocol)
	l.buf = append(l.buf, `,"server_name":`...)
	l.buf = appendString(l.buf, state.ServerName)
	l.buf = append(l.buf, '}')
}

// headers writes the fields of a header, each a list of values.
func (l *line) headers(f field, header http.Header, changes map[string]change) {
	if !l.key(f) {
		return
	}
	open := len(l.buf)
	for name, values := range header {
		if len(values) > 0 {
			l.header(name, values, changes[name])
		}
	}
	l.end(open)
}

func (l *line) header(name string, values []string, c change) {
	began := len(l.buf)
	l.buf = append(l.buf, ',')
	l.buf = appendString(l.buf, name)
	l.buf = append(l.buf, ':', '[')
	first := len(l.buf)
	for _, value := range values {
		if l.secret && isCredential(name) {
			value = "REDACTED"
		}
		if c != nil {
			var keep bool
			if value, keep = c(value); !keep {
				continue
			}
		}
		if len(l.buf) > first {
			l.buf = append(l.buf, ',')
		}
		l.buf = appendString(l.buf, value)
	}
	if len(l.buf) == first && c != nil { // all of it left out
		l.buf = l.buf[:began]
		return
	}
	l.buf = append(l.buf, ']')
}

// isCredential names the fields that let who reads the log be the client.
func isCredential(name string) bool {
	switch name {
	case "Cookie", "Set-Cookie", "Authorization", "Proxy-Authorization":
		return true
	}
	return false
}

// consoleTime begins a line for the console.
func consoleTime(buf []byte, now time.Time) []byte {
	return now.UTC().AppendFormat(buf, "2006/01/02 15:04:05.000")
}
