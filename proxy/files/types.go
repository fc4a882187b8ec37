package files

import "strings"

// typeOf is the Content-Type of a file by the extension of its name, "" if it
// is not known. It is the same on every machine.
func typeOf(extension string) string {
	if known, ok := types[extension]; ok {
		return known
	}
	return types[strings.ToLower(extension)]
}

const (
	plainType  = "text/plain; charset=utf-8"
	pageType   = "text/html; charset=utf-8"
	scriptType = "text/javascript; charset=utf-8"
	jpegType   = "image/jpeg"
	mpegType   = "audio/mpeg"
)

var types = map[string]string{
	// Pages and what belongs to them.
	".html": pageType, ".htm": pageType, ".shtml": pageType, ".xhtml": "application/xhtml+xml",
	".css": "text/css; charset=utf-8", ".js": scriptType, ".mjs": scriptType, ".cjs": scriptType,
	".json": "application/json", ".jsonld": "application/ld+json", ".map": "application/json",
	".geojson": "application/geo+json", ".ndjson": "application/x-ndjson",
	".webmanifest": "application/manifest+json", ".wasm": "application/wasm",
	".xml": "text/xml; charset=utf-8", ".xsl": "text/xml; charset=utf-8", ".xsd": "text/xml; charset=utf-8",
	".rss": "application/rss+xml", ".atom": "application/atom+xml",
	".vtt": "text/vtt; charset=utf-8", ".appcache": "text/cache-manifest; charset=utf-8",

	// Text.
	".txt": plainType, ".text": plainType, ".log": plainType, ".conf": plainType, ".ini": plainType, ".toml": "application/toml",
	".md": "text/markdown; charset=utf-8", ".markdown": "text/markdown; charset=utf-8",
	".csv": "text/csv; charset=utf-8", ".tsv": "text/tab-separated-values; charset=utf-8",
	".yaml": "application/yaml", ".yml": "application/yaml", ".ics": "text/calendar; charset=utf-8",
	".vcf": "text/vcard; charset=utf-8", ".tex": "application/x-tex", ".sql": "application/sql",
	".asc": plainType, ".diff": plainType, ".patch": plainType, ".sh": "application/x-sh",

	// Images.
	".png": "image/png", ".apng": "image/apng", ".jpg": jpegType, ".jpeg": jpegType, ".jpe": jpegType, ".gif": "image/gif",
	".webp": "image/webp", ".avif": "image/avif", ".heic": "image/heic", ".heif": "image/heif", ".jxl": "image/jxl",
	".svg": "image/svg+xml", ".ico": "image/vnd.microsoft.icon", ".cur": "image/vnd.microsoft.icon",
	".bmp": "image/bmp", ".tif": "image/tiff", ".tiff": "image/tiff", ".psd": "image/vnd.adobe.photoshop",

	// Sound and film.
	".mp3": mpegType, ".m4a": "audio/mp4", ".aac": "audio/aac", ".oga": "audio/ogg", ".ogg": "audio/ogg",
	".opus": "audio/ogg", ".flac": "audio/flac", ".wav": "audio/wav", ".weba": "audio/webm",
	".mid": "audio/midi", ".midi": "audio/midi",
	".mp4": "video/mp4", ".m4v": "video/mp4", ".webm": "video/webm", ".ogv": "video/ogg", ".mov": "video/quicktime",
	".avi": "video/x-msvideo", ".mkv": "video/matroska", ".mpeg": "video/mpeg", ".mpg": "video/mpeg",
	".ts": "video/mp2t", ".m2ts": "video/mp2t", ".3gp": "video/3gpp",
	".m3u8": "application/vnd.apple.mpegurl", ".mpd": "application/dash+xml",

	// Fonts.
	".woff": "font/woff", ".woff2": "font/woff2", ".ttf": "font/ttf", ".otf": "font/otf", ".ttc": "font/collection",
	".eot": "application/vnd.ms-fontobject",

	// Documents.
	".pdf": "application/pdf", ".epub": "application/epub+zip", ".rtf": "application/rtf", ".ps": "application/postscript",
	".doc": "application/msword", ".xls": "application/vnd.ms-excel", ".ppt": "application/vnd.ms-powerpoint",
	".docx": "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
	".xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
	".pptx": "application/vnd.openxmlformats-officedocument.presentationml.presentation",
	".odt":  "application/vnd.oasis.opendocument.text", ".ods": "application/vnd.oasis.opendocument.spreadsheet",
	".odp": "application/vnd.oasis.opendocument.presentation",

	// Archives, programs and what is only to be kept.
	".zip": "application/zip", ".gz": "application/gzip", ".tgz": "application/gzip", ".tar": "application/x-tar",
	".bz2": "application/x-bzip2", ".xz": "application/x-xz", ".zst": "application/zstd", ".7z": "application/x-7z-compressed",
	".rar": "application/vnd.rar", ".jar": "application/java-archive", ".deb": "application/vnd.debian.binary-package",
	".rpm": "application/x-rpm", ".apk": "application/vnd.android.package-archive", ".dmg": "application/x-apple-diskimage",
	".iso": "application/octet-stream", ".img": "application/octet-stream", ".bin": "application/octet-stream",
	".exe": "application/octet-stream", ".msi": "application/octet-stream", ".dll": "application/octet-stream",
	".torrent": "application/x-bittorrent",

	// Keys and certificates.
	".pem": "application/x-pem-file", ".crt": "application/x-x509-ca-cert", ".cer": "application/pkix-cert",
	".der": "application/x-x509-ca-cert", ".crl": "application/pkix-crl", ".p7c": "application/pkcs7-mime",
}
