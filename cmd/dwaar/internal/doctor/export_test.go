package doctor

import (
	"context"

	"dwaar/proxy"
)

// Port is what is said of a listener whose sockets cannot be opened for a reason
// that a test cannot bring about as root.
func Port(address string, err error) Finding {
	return (&examination{}).port(context.Background(), proxy.Listener{Address: address}, err)
}
