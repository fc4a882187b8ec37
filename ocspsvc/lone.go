package ocspsvc

// LoneCertID returns the DER of the CertID that a request is about, if it is about
// one certificate and has nothing besides: a CertID in four SEQUENCEs, as nearly
// all requests are. It returns nil for what looks different in a single octet, and
// has to be read by ParseRequest. It does not look into the CertID, so whoever
// acts on it has to know its octets already.
func LoneCertID(request []byte) []byte {
	for range 4 { // OCSPRequest, TBSRequest, requestList, Request
		if request = onlySequence(request); request == nil {
			return nil
		}
	}
	if onlySequence(request) == nil {
		return nil
	}
	return request
}

// onlySequence is the content of a SEQUENCE that is all of der, or nil.
func onlySequence(der []byte) []byte {
	if len(der) < 3 || der[0] != 0x30 {
		return nil
	}
	content, size := der[2:], int(der[1])
	if der[1] == 0x81 && der[2] >= 0x80 {
		content, size = der[3:], int(der[2])
	} else if der[1] > 0x7f { // nobody's plain request is longer
		return nil
	}
	if len(content) != size {
		return nil
	}
	return content
}
