package certdb

import (
	"fmt"
	"io"
	"strings"
	"time"

	"dwaar/ocspsvc"
)

// WriteIndex writes a certificate as a line of an index.txt. It reports whether
// all of it could be said: openssl knows no privilegeWithdrawn and no
// aACompromise, so that these are written without their reason.
func WriteIndex(w io.Writer, c Certificate) (whole bool, err error) {
	status, revoked, whole := "V", "", true
	if c.Status == ocspsvc.Revoked {
		status = "R"
		revoked, whole = indexRevocation(c)
	}
	expires := c.Expires
	if expires.IsZero() {
		expires = noExpiry
	}
	_, err = fmt.Fprintf(w, "%s\t%s\t%s\t%s\tunknown\t%s\n", status, formatIndexTime(expires), revoked,
		strings.ToUpper(FormatSerial(c.Serial)), indexText(c.Subject))
	return whole, err
}

func indexRevocation(c Certificate) (text string, whole bool) {
	text = formatIndexTime(c.RevokedAt)
	switch c.Reason {
	case ocspsvc.Unspecified:
		return text, true
	case ocspsvc.PrivilegeWithdrawn, ocspsvc.AACompromise:
		return text, false
	case ocspsvc.CACompromise:
		return text + ",CACompromise", true // as openssl spells it
	}
	return text + "," + c.Reason.String(), true
}

func formatIndexTime(t time.Time) string {
	if t = t.UTC(); t.Year() >= 1950 && t.Year() < 2050 {
		return t.Format("060102150405Z")
	}
	return t.Format("20060102150405Z")
}

// indexText is a field: it has no tab and no end of line, and is not empty.
func indexText(s string) string {
	if s == "" {
		return "/"
	}
	return printable(s)
}
