package demo

import (
	"bytes"
	"os"
	"path/filepath"
	"text/template"
)

const dwaarfileName = "Dwaarfile"

// dwaarfile is what a user would write for a private CA on one machine.
var dwaarfile = template.Must(template.New(dwaarfileName).Parse(`# Made by dwaar demo. Change it while the demo runs, then reload: the command is printed at the start.
{
	http_port    {{.Ports.HTTP}}
	https_port   {{.Ports.HTTPS}}
	default_bind 127.0.0.1
{{- if .Admin}}
	admin        {{.Admin}}
{{- end}}

	ocsp {
		# This CA's responder is on this machine. Addresses like that are not
		# asked for anything unless they are named here.
		allow 127.0.0.0/8
	}
}

localhost, 127.0.0.1 {
	tls {{.Cert}} {{.Key}}
	reverse_proxy 127.0.0.1:{{.Ports.Upstream}}
}
`))

type dwaarfileData struct {
	Ports     ports
	Admin     string // empty: the default in the data directory
	Cert, Key string
}

// writeDwaarfile writes the demo's Dwaarfile, unless the one from the last run,
// which may have been edited since, still fits: then it stays. One that does not
// is kept beside.
func writeDwaarfile(dir string, data dwaarfileData, fits bool) error {
	path := filepath.Join(dir, dwaarfileName)
	if fits && exists(path) {
		return nil
	}
	var out bytes.Buffer
	if err := dwaarfile.Execute(&out, data); err != nil {
		return err
	}
	if old, err := os.ReadFile(path); err == nil && !bytes.Equal(old, out.Bytes()) {
		if err := writeFile(dir, dwaarfileName+".old", old, 0o644); err != nil {
			return err
		}
	}
	return writeFile(dir, dwaarfileName, out.Bytes(), 0o644)
}
