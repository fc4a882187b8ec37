package ocspsvc

// ParseRequest reads a DER encoded request.
func ParseRequest(der []byte) (*Request, error) { return nil, refuse(ReasonMalformed, "not implemented") }

// Marshal returns the DER encoded request.
func (r *Request) Marshal() ([]byte, error) { return nil, refuse(ReasonMalformed, "not implemented") }

// ParseResponse reads a DER encoded response.
func ParseResponse(der []byte) (*Response, error) { return nil, refuse(ReasonMalformed, "not implemented") }

func (id CertID) marshal() ([]byte, error) { return nil, refuse(ReasonMalformed, "not implemented") }
