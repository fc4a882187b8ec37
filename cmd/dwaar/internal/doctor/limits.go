package doctor

import (
	"context"
	"syscall"
)

// fewFiles is enough for about two thousand requests that are forwarded at a time.
const fewFiles = 4096

// limits are what the system allows a process.
func (*examination) limits(context.Context) []Finding {
	const what = "open files"
	var limit syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &limit); err != nil {
		return []Finding{warn(what, "how many there may be cannot be told: %v", err)}
	}
	if limit.Cur < fewFiles {
		return []Finding{warn(what, "a process started here may have %d at a time, and a request that is forwarded needs two: raise the limit (ulimit -n, LimitNOFILE= in the unit)", limit.Cur)}
	}
	return []Finding{ok(what, "a process started here may have %d at a time", limit.Cur)}
}
