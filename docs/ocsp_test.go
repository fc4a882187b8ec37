// Package docs_test holds the documents against the code they describe.
package docs_test

import (
	"net/netip"
	"os"
	"regexp"
	"strings"
	"testing"

	"dwaar/netguard"
	"dwaar/ocspsvc"
)

// Every reason word stands in ocsp.md, in the contract's order, with the sentence that the
// program itself prints.
func TestReasonWordsAreExplained(t *testing.T) {
	rows := table(t, "ocsp.md", "| Word |")
	reasons := ocspsvc.Reasons()
	if len(rows) != len(reasons) {
		t.Fatalf("ocsp.md explains %d reason words, there are %d", len(rows), len(reasons))
	}
	for i, reason := range reasons {
		if word, text := rows[i][0], rows[i][1]; word != string(reason) || text != reason.Explain() {
			t.Errorf("row %d is\n| `%s` | %s |, want\n| `%s` | %s |", i+1, word, text, reason, reason.Explain())
		}
	}
}

// N1: each row of the blocklist is refused at both of its ends; the first row that holds an
// address names its category.
func TestBlocklistRowsAreRefused(t *testing.T) {
	guard, err := netguard.New(netguard.Config{})
	if err != nil {
		t.Fatal(err)
	}
	rows := table(t, "ocsp.md", "| Range | Category |")
	for _, row := range rows {
		prefix := netip.MustParsePrefix(row[0])
		for _, addr := range []netip.Addr{prefix.Addr(), last(prefix)} {
			refused(t, guard, addr, firstRowWith(rows, addr))
		}
	}
}

func firstRowWith(rows [][]string, addr netip.Addr) []string {
	for _, row := range rows {
		if netip.MustParsePrefix(row[0]).Contains(addr) {
			return row
		}
	}
	return []string{"no row", "no category"}
}

// N1: an address that carries a blocked IPv4 address is refused, one that carries a public
// address is not.
func TestCarriersOfBlockedAddressesAreRefused(t *testing.T) {
	guard, err := netguard.New(netguard.Config{})
	if err != nil {
		t.Fatal(err)
	}
	inside := map[string]func(v4 string) string{
		"64:ff9b::/96":    func(v4 string) string { return "64:ff9b::" + v4 },
		"2002::/16":       func(v4 string) string { return sixToFour(v4) },
		"::ffff:0:0:0/96": func(v4 string) string { return "::ffff:0:" + v4 },
		"::/96":           func(v4 string) string { return "::" + v4 },
	}
	for _, row := range table(t, "ocsp.md", "| Range | Carries") {
		carry, ok := inside[row[0]]
		if !ok {
			t.Errorf("no case for %s", row[0])
			continue
		}
		refused(t, guard, netip.MustParseAddr(carry("169.254.169.254")), []string{row[0], "metadata service inside " + row[1]})
		if public := netip.MustParseAddr(carry("169.1.1.1")); guard.CheckAddr("host.example", public) != nil {
			t.Errorf("N2: %s is refused: %v", public, guard.CheckAddr("host.example", public))
		}
	}
}

// The tables of ocsp.md leave nothing out that the code refuses.
func TestBlocklistIsWhole(t *testing.T) {
	source, err := os.ReadFile("../netguard/networks.go")
	if err != nil {
		t.Fatal(err)
	}
	page, err := os.ReadFile("ocsp.md")
	if err != nil {
		t.Fatal(err)
	}
	prefixes := regexp.MustCompile(`(?:row\(|MustParsePrefix\()"([^"]+)"`).FindAllSubmatch(source, -1)
	if len(prefixes) < 30 {
		t.Fatalf("only %d prefixes found in networks.go", len(prefixes))
	}
	for _, m := range prefixes {
		if !strings.Contains(string(page), "| `"+string(m[1])+"` |") {
			t.Errorf("ocsp.md does not list %s", m[1])
		}
	}
}

func refused(t *testing.T, guard *netguard.Guard, addr netip.Addr, row []string) {
	t.Helper()
	err := guard.CheckAddr("host.example", addr)
	if err == nil {
		t.Errorf("N1: %s of %s is not refused", addr, row[0])
		return
	}
	for _, word := range []string{addr.String(), "(" + row[1] + ")", "allow"} {
		if !strings.Contains(err.Error(), word) {
			t.Errorf("N4: refusal of %s does not say %q: %v", addr, word, err)
		}
	}
}

// table returns the cells of the table whose header starts like this, without backquotes.
func table(t *testing.T, file, header string) [][]string {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	_, rest, found := strings.Cut(string(text), "\n"+header)
	if !found {
		t.Fatalf("%s has no table %q", file, header)
	}
	lines := strings.Split(rest, "\n")[2:] // after the header and the rule below it
	var rows [][]string
	for _, line := range lines {
		if !strings.HasPrefix(line, "|") {
			break
		}
		cells := strings.Split(strings.Trim(line, "|"), " | ")
		for i := range cells {
			cells[i] = strings.TrimSpace(cells[i])
		}
		cells[0] = strings.Trim(cells[0], "`")
		rows = append(rows, cells)
	}
	return rows
}

// last is the highest address of p.
func last(p netip.Prefix) netip.Addr {
	octets := p.Addr().AsSlice()
	for bit := p.Bits(); bit < len(octets)*8; bit++ {
		octets[bit/8] |= 0x80 >> (bit % 8)
	}
	addr, _ := netip.AddrFromSlice(octets)
	return addr
}

// sixToFour is the first address of the 6to4 network of v4.
func sixToFour(v4 string) string {
	b := netip.MustParseAddr(v4).As4()
	octets := [16]byte{0x20, 0x02, b[0], b[1], b[2], b[3], 15: 1}
	return netip.AddrFrom16(octets).String()
}
