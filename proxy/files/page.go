package files

import (
	"bytes"
	"fmt"
	"html"
	"strconv"
)

const pageHead = `<!DOCTYPE html>
<html>
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="robots" content="noindex">
<title>%[1]s</title>
<style>
body { font-family: system-ui, sans-serif; margin: 2rem auto; max-width: 60rem; padding: 0 1rem; color-scheme: light dark; }
table { border-collapse: collapse; width: 100%%; }
th, td { text-align: left; padding: .3rem .6rem; }
td + td, th + th { text-align: right; white-space: nowrap; font-variant-numeric: tabular-nums; }
tr:hover td { background: #8882; }
</style>
</head>
<body>
<h1>%[1]s</h1>
<table>
<tr><th><a href="?sort=name">Name</a></th><th><a href="?sort=size">Size</a></th><th><a href="?sort=time">Modified (UTC)</a></th></tr>
`

// page is the listing as HTML. It runs no script and loads nothing.
func (l *listing) page() []byte {
	var b bytes.Buffer
	fmt.Fprintf(&b, pageHead, html.EscapeString(l.path))
	if l.path != "/" {
		b.WriteString("<tr><td><a href=\"../\">../</a></td><td></td><td></td></tr>\n")
	}
	for _, i := range l.items {
		size := ""
		if !i.IsDir {
			size = readable(i.Size)
		}
		fmt.Fprintf(&b, "<tr><td><a href=\"%s\">%s</a></td><td>%s</td><td>%s</td></tr>\n",
			html.EscapeString(i.URL), html.EscapeString(i.Name), size, i.Modified.Format("2006-01-02 15:04"))
	}
	b.WriteString("</table>\n")
	if l.cut {
		fmt.Fprintf(&b, "<p>There is more: only %d entries were read.</p>\n", l.read)
	}
	b.WriteString("</body>\n</html>\n")
	return b.Bytes()
}

// readable is a size for people: 3.4 MiB.
func readable(size int64) string {
	if size < 1024 {
		return strconv.FormatInt(size, 10) + " B"
	}
	value, unit := float64(size)/1024, 0
	for value >= 1024 && unit < len("KMGTPE")-1 {
		value, unit = value/1024, unit+1
	}
	return strconv.FormatFloat(value, 'f', 1, 64) + " " + "KMGTPE"[unit:unit+1] + "iB"
}
