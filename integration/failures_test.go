package integration

import (
	"crypto/x509"
	"maps"
	"net/http"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/crypto/ocsp"

	"dwaar/integration/internal/pki"
	"dwaar/integration/internal/responder"
)

// TestFailureTable runs every row of the table in docs/ocsp.md: each case has a responder of
// its own that first says good for one certificate and then fails, and fails from the start
// for another. The table and the cases here name each other completely.
func TestFailureTable(t *testing.T) {
	t.Parallel()
	rows := docTable(t, "| Case | The responder")
	h := newHouse(t)
	faults := h.faults()
	if want, got := slices.Sorted(maps.Keys(faults)), firstCells(rows); !slices.Equal(got, want) {
		t.Fatalf("docs/ocsp.md has the cases\n%v, this test\n%v", got, want)
	}
	peers := map[string]*responder.Responder{}
	for _, row := range rows {
		peer := responder.New(t, h.CA)
		peers[row[0]] = peer
		for _, name := range []string{"with." + row[0] + ".test", "none." + row[0] + ".test"} {
			h.site(h.CA.Issue(t, pki.Request{Names: []string{name}, OCSP: []string{peer.URL()}}), offUntilAsked(name))
		}
	}
	h.start("", "timeout 2s\n\t\tpace 1ms\n\t\tstart_wait 10s")
	before := map[string][]byte{}
	for _, row := range rows {
		name := "with." + row[0] + ".test"
		h.awaitStaple("S1", name, true, soon)
		before[row[0]] = h.shake(name).Staple
		fault := faults[row[0]]
		if fault == nil {
			peers[row[0]].Down()
			continue
		}
		peers[row[0]].Behave(fault)
	}
	h.Configure(strings.ReplaceAll(h.Options("", "timeout 2s\n\t\tpace 1ms")+h.sites.String(), " {\n\t\tocsp off\n\t}", ""))
	h.Must("reload", "--config", h.Config())
	for _, row := range rows {
		t.Run(row[0], func(t *testing.T) {
			t.Parallel()
			h.runRow(t, row, before[row[0]])
		})
	}
	t.Cleanup(func() { h.everyFailureWarned(rows) })
}

// offUntilAsked keeps dwaar from asking for the certificates of the column "none yet" while
// the responders still say good.
func offUntilAsked(name string) string {
	if strings.HasPrefix(name, "none.") {
		return "ocsp off"
	}
	return ""
}

func (h *house) runRow(t *testing.T, row []string, before []byte) {
	with, none, reason := "with."+row[0]+".test", "none."+row[0]+".test", row[4]
	for _, c := range []struct{ name, want string }{{with, row[2]}, {none, row[3]}} {
		out := h.Do("ocsp", "refresh", c.name)
		if (out.Code == 0) != (reason == "good") || !strings.Contains(out.Stdout, reason) {
			t.Errorf("%s: ocsp refresh exits %d, want the reason %s:\n%s", c.name, out.Code, reason, out.Text())
		}
		h.sees(t, c.name, c.want, before)
		cert, err := h.Certificate(c.name)
		if err != nil {
			t.Fatal(err)
		}
		if cert.Staple.Reason != reason && !(c.want == "kept" && strings.Contains(cert.Staple.LastError, reason)) {
			t.Errorf("%s: status says %+v, want the reason %s", c.name, cert.Staple, reason)
		}
	}
}

// sees checks what a handshake shows.
func (h *house) sees(t *testing.T, name, want string, before []byte) {
	t.Helper()
	shown, err := h.try(name)
	if want == "refused" {
		if err == nil {
			t.Errorf("V2: %s is served, want it refused", name)
		}
		return
	}
	if err != nil {
		t.Errorf("S2: %s: %v", name, err)
		return
	}
	switch want {
	case "kept":
		if string(shown.Staple) != string(before) {
			t.Errorf("S4: %s: the valid staple was displaced", name)
		}
	case "none":
		if len(shown.Staple) != 0 {
			t.Errorf("S4: %s: stapled %x", name, shown.Staple)
		}
	case "replaced", "stapled":
		if err := shown.GoodStaple(); err != nil || string(shown.Staple) == string(before) {
			t.Errorf("S4: %s: want a new staple, got %v", name, err)
		}
	default:
		t.Errorf("docs/ocsp.md: no such outcome: %q", want)
	}
}

// everyFailureWarned: S4 wants a warning with leaf, responder, reason word and next try.
func (h *house) everyFailureWarned(rows [][]string) {
	for _, row := range rows {
		if row[4] == "good" || row[4] == "revoked" {
			continue
		}
		name := "none." + row[0] + ".test"
		records := h.Log.Records("WARN", name, row[4])
		if len(records) == 0 {
			h.t.Errorf("S4: no warning about %s with the reason %s", name, row[4])
			continue
		}
		for _, key := range []string{"serial", "responder", "reason", "next_try"} {
			if _, ok := records[0][key]; !ok {
				h.t.Errorf("S4: the warning about %s has no %s: %v", name, key, records[0])
			}
		}
	}
}

// faults are the cases of the table; nil takes the responder down.
func (h *house) faults() map[string]responder.Behaviour {
	t, in := h.t, time.Now().Add
	leaf := h.CA.Issue(t, pki.Request{Names: []string{"signer.test"}})
	other := pki.New(t, "Test") // the same names, other keys
	return map[string]responder.Behaviour{
		"good":               later(responder.Good),
		"delegate":           later(responder.SignedBy(h.CA.Delegate(t, in(time.Hour), x509.ExtKeyUsageOCSPSigning))),
		"revoked":            responder.Revoked,
		"unknown":            responder.Unknown,
		"try-later":          responder.Raw(ocsp.TryLaterErrorResponse),
		"internal-error":     responder.Raw(ocsp.InternalErrorErrorResponse),
		"malformed-request":  responder.Raw(ocsp.MalformedRequestErrorResponse),
		"sig-required":       responder.Raw(ocsp.SigRequredErrorResponse),
		"unauthorized":       responder.Raw(ocsp.UnauthorizedErrorResponse),
		"http-404":           responder.Status(http.StatusNotFound),
		"http-500":           responder.Status(http.StatusInternalServerError),
		"redirect-loop":      responder.RedirectToItself,
		"redirect-blocked":   responder.Redirect("http://169.254.169.254/latest"),
		"down":               nil,
		"hang":               responder.Hang,
		"drip":               responder.Drip,
		"garbage":            responder.Raw([]byte("<html>not found</html>")),
		"empty":              responder.Raw(nil),
		"oversize":           responder.Oversize,
		"wrong-serial":       responder.WrongSerial,
		"wrong-issuer":       responder.WrongIssuer,
		"wrong-signer":       responder.WrongSigner,
		"leaf-signer":        responder.SignedBy(&pki.Authority{Cert: leaf.Cert, Key: leaf.ECKey()}),
		"foreign-delegate":   responder.SignedBy(other.Delegate(t, in(time.Hour), x509.ExtKeyUsageOCSPSigning)),
		"expired-delegate":   responder.SignedBy(h.CA.Delegate(t, in(-time.Hour), x509.ExtKeyUsageOCSPSigning)),
		"expired":            responder.Expired,
		"future":             responder.Future,
		"no-next-update":     responder.NoNextUpdate,
		"critical-extension": responder.CriticalExtension,
	}
}

// later gives responses another lifetime, so that they differ from those before.
func later(b responder.Behaviour) responder.Behaviour {
	return func(r *responder.Responder, w http.ResponseWriter, asked responder.Call) {
		r.Lifetime(2 * time.Hour)
		b(r, w, asked)
	}
}

// TestNobodyToAsk runs the rows of the second table of docs/ocsp.md: quiet states.
func TestNobodyToAsk(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	self := pki.SelfSigned(t, "self-signed.test", h.OCSP.URL())
	orphan := pki.New(t, "Absent").Issue(t, pki.Request{Names: []string{"no-issuer.test"}, OCSP: []string{h.OCSP.URL()}})
	h.site(h.CA.Issue(t, pki.Request{Names: []string{"no-url.test"}}), "")
	h.site(h.CA.Issue(t, pki.Request{Names: []string{"no-rev-avail.test"}, NoRevAvail: true}), "")
	h.site(self, "")
	files := h.site(orphan, "")
	pki.WriteFile(t, files.Cert, pki.CertPEM(orphan.Cert.Raw))
	h.site(h.leaf("off.test"), "ocsp off")
	h.start("", "")
	for _, row := range docTable(t, "| Case | The certificate") {
		name := row[0] + ".test"
		h.AwaitReason(name, row[2], soon)
		shown, err := h.tryAny(name)
		if err != nil || len(shown.Staple) != 0 {
			t.Errorf("S12: %s: %v, %d bytes of staple", name, err, len(shown.Staple))
		}
		for _, level := range []string{"WARN", "ERROR"} {
			if records := h.Log.Records(level, name); len(records) != 0 {
				t.Errorf("S12: %s is not quiet: %v", name, records)
			}
		}
	}
	if n := h.OCSP.Requests(); n != 0 {
		t.Errorf("S12: %d requests, want none", n)
	}
}

// docTable returns the cells of a table in docs/ocsp.md, without backquotes.
func docTable(t *testing.T, header string) [][]string {
	t.Helper()
	text := must(t)(os.ReadFile("../docs/ocsp.md")).([]byte)
	_, rest, found := strings.Cut(string(text), "\n"+header)
	if !found {
		t.Fatalf("docs/ocsp.md has no table %q", header)
	}
	var rows [][]string
	for _, line := range strings.Split(rest, "\n")[2:] {
		if !strings.HasPrefix(line, "|") {
			break
		}
		cells := strings.Split(strings.Trim(line, "|"), "|")
		for i := range cells {
			cells[i] = strings.Trim(strings.TrimSpace(cells[i]), "`")
		}
		rows = append(rows, cells)
	}
	return rows
}

func firstCells(rows [][]string) []string {
	var cells []string
	for _, row := range rows {
		cells = append(cells, row[0])
	}
	slices.Sort(cells)
	return cells
}
