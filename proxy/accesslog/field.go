package accesslog

// field is a place in a line.
type field int

// The fields, in the order in which they are written.
const (
	fieldLevel field = iota
	fieldTime
	fieldLogger
	fieldMessage
	fieldRemoteIP
	fieldRemotePort
	fieldClientIP
	fieldProto
	fieldMethod
	fieldHost
	fieldURI
	fieldHeaders
	fieldTLS
	fieldBytesRead
	fieldUser
	fieldDuration
	fieldSize
	fieldStatus
	fieldUpstream
	fieldResponseHeaders
	fieldCount
)

// paths are the names of fields in filters.
var paths = [fieldCount]string{
	"level", "ts", "logger", "msg",
	"request>remote_ip", "request>remote_port", "request>client_ip", "request>proto", "request>method", "request>host",
	"request>uri", "request>headers", "request>tls",
	"bytes_read", "user_id", "duration", "size", "status", "upstream", "resp_headers",
}

// isText says which fields can be changed, and not only left out.
var isText = [fieldCount]bool{
	fieldRemoteIP: true, fieldRemotePort: true, fieldClientIP: true, fieldProto: true, fieldMethod: true,
	fieldHost: true, fieldURI: true, fieldUser: true, fieldUpstream: true,
}

// keys are the fields as they stand in a line, with the comma in front.
var keys = func() (all [fieldCount]string) {
	for i, path := range paths {
		name := path
		for j := range path {
			if path[j] == '>' {
				name = path[j+1:]
			}
		}
		all[i] = `,"` + name + `":`
	}
	return all
}()
