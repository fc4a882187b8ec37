package files

import (
	"io"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"dwaar/proxy/coding"
)

// send answers with a file. A status other than zero is sent with the whole of
// it: conditions and ranges are for a 200 (RFC 9110 §13.2.1, §14.2).
func (s *Server) send(w http.ResponseWriter, r *http.Request, t target, status int) error {
	f, info, encoding, err := s.open(r, t)
	if err != nil {
		return err
	}
	defer f.Close()
	header := w.Header()
	describe(header, t.name, info)
	if len(s.Precompressed) > 0 {
		coding.Vary(header)
	}
	if encoding != "" {
		header.Set("Content-Encoding", encoding)
	}
	if encoding != "" && r.Header["Range"] == nil || status != 0 {
		header.Set("Content-Length", strconv.FormatInt(info.Size(), 10))
	}
	if status != 0 {
		w.WriteHeader(status)
		if r.Method != http.MethodHead {
			_, _ = io.CopyN(w, f, info.Size())
		}
		return nil
	}
	http.ServeContent(w, withFewRanges(r), "", modified(info), f)
	return nil
}

// open opens what is sent for a target: the file, or one beside it that is
// compressed already.
func (s *Server) open(r *http.Request, t target) (*os.File, fs.FileInfo, string, error) {
	for left := s.Precompressed; len(left) > 0; {
		encoding := coding.Choose(r.Header, left)
		if encoding == "" {
			break
		}
		name := t.name + suffixes[encoding]
		if info, err := os.Stat(name); err == nil && info.Mode().IsRegular() {
			if f, info, err := openRegular(name); err == nil {
				return f, info, encoding, nil
			}
		}
		left = without(left, encoding)
	}
	f, info, err := openRegular(t.name)
	return f, info, "", err
}

func without(codings []string, gone string) []string {
	var left []string
	for _, c := range codings {
		if c != gone {
			left = append(left, c)
		}
	}
	return left
}

// describe says what a file is. The header may say so already.
func describe(header http.Header, name string, info fs.FileInfo) {
	if header["Content-Type"] == nil {
		if known := typeOf(filepath.Ext(name)); known != "" {
			header["Content-Type"] = []string{known}
		} else {
			header["Content-Type"] = nil // no guess by what a user may have uploaded
		}
	}
	if header["Etag"] == nil {
		if etag := etagOf(info); etag != "" {
			header["Etag"] = []string{etag}
		}
	}
}

// etagOf is the same for the same size and time of modification, which disks
// keep in nanoseconds. A file whose time says nothing has none.
func etagOf(info fs.FileInfo) string {
	if modified(info).IsZero() {
		return ""
	}
	var room [40]byte
	etag := append(room[:0], '"')
	etag = strconv.AppendInt(etag, info.ModTime().UnixNano(), 36)
	etag = append(etag, '-')
	etag = strconv.AppendInt(etag, info.Size(), 36)
	return string(append(etag, '"'))
}

// modified is when a file was changed, zero for the times that images and
// reproducible builds give to all of their files.
func modified(info fs.FileInfo) time.Time {
	if at := info.ModTime(); at.Unix() != 0 && at.Unix() != 1 {
		return at
	}
	return time.Time{}
}

// maxRanges is how many parts of a file one request may ask for. Each costs
// more than it asks for with: RFC 9110 §14.2 lets a server ignore them.
const maxRanges = 32

// withFewRanges is r, without its ranges if they are too many.
func withFewRanges(r *http.Request) *http.Request {
	if strings.Count(r.Header.Get("Range"), ",") < maxRanges {
		return r
	}
	out := new(http.Request)
	*out = *r
	out.Header = r.Header.Clone()
	out.Header.Del("Range")
	return out
}
