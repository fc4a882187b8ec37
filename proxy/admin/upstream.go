package admin

// Upstream is a server that sites forward to.
type Upstream struct {
	Address  string `json:"address"`
	Healthy  bool   `json:"healthy"`   // no check keeps it out of use
	InFlight int64  `json:"in_flight"` // requests under way
	Requests uint64 `json:"requests"`  // that it was asked, since it is known
	Failures uint64 `json:"failures"`  // of these
}
