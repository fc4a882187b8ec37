package issuing

import (
	"net/netip"
	"strings"
)

// NamesOf are the names that a key of storage may be about: one of the files of a certificate, a
// certificate on its way into them, or one in quarantine. It is one name, but for a host name of
// one label that reads like an IPv6 address, such as face--b00c: that may be either. Other keys
// are about no name.
func NamesOf(key string) []string {
	parts := strings.Split(key, "/")
	file, extension := cutExtension(parts[len(parts)-1])
	switch {
	case file == "":
	case len(parts) == 4 && parts[0] == "certificates" && file == parts[2] && isFileOfSite(extension),
		len(parts) == 3 && parts[0] == pendingDir && extension == ".json",
		len(parts) == 4 && parts[0] == quarantinePrefix && parts[3] != verdictFile && parts[3] != metaBesideVerdict && isFileOfSite(extension):
		return namesOfSafe(file)
	}
	return nil
}

func isFileOfSite(extension string) bool {
	return extension == ".crt" || extension == ".key" || extension == ".json"
}

// cutExtension cuts at the last dot: names have dots themselves.
func cutExtension(file string) (base, extension string) {
	dot := max(strings.LastIndexByte(file, '.'), 0)
	return file[:dot], file[dot:]
}

// namesOfSafe takes back what certmagic's StorageKeys.Safe does to the names that certificates
// are for. An IPv6 address has dashes for its colons.
func namesOfSafe(safe string) []string {
	if parent, wildcard := strings.CutPrefix(safe, "wildcard_."); wildcard {
		return []string{"*." + parent}
	}
	if ip, err := netip.ParseAddr(strings.ReplaceAll(safe, "-", ":")); err == nil && ip.Is6() {
		return []string{ip.String(), safe}
	}
	return []string{safe}
}
