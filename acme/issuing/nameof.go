package issuing

import (
	"net/netip"
	"strings"
)

// NameOf is the name that a key of storage is about: one of the files of a certificate, a
// certificate on its way into them, or one in quarantine. Others are about no name.
func NameOf(key string) (name string, ok bool) {
	parts := strings.Split(key, "/")
	switch {
	case len(parts) == 4 && parts[0] == "certificates":
		file, extension := cutExtension(parts[3])
		return nameOfSafe(file), file == parts[2] && file != "" && isFileOfSite(extension)
	case len(parts) == 3 && parts[0] == pendingDir:
		file, extension := cutExtension(parts[2])
		return nameOfSafe(file), file != "" && extension == ".json"
	case len(parts) == 4 && parts[0] == quarantinePrefix && parts[3] != verdictFile:
		file, extension := cutExtension(parts[3])
		return nameOfSafe(file), file != "" && isFileOfSite(extension)
	}
	return "", false
}

func isFileOfSite(extension string) bool {
	return extension == ".crt" || extension == ".key" || extension == ".json"
}

// cutExtension cuts at the last dot: names have dots themselves.
func cutExtension(file string) (base, extension string) {
	dot := max(strings.LastIndexByte(file, '.'), 0)
	return file[:dot], file[dot:]
}

// nameOfSafe takes back what certmagic's StorageKeys.Safe does to the names that certificates
// are for. An IPv6 address has dashes for its colons, which no host name reads like.
func nameOfSafe(safe string) string {
	if ip, err := netip.ParseAddr(strings.ReplaceAll(safe, "-", ":")); err == nil {
		return ip.String()
	}
	if parent, wildcard := strings.CutPrefix(safe, "wildcard_."); wildcard {
		return "*." + parent
	}
	return safe
}
