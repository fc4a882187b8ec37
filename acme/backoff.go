package acme

import (
	"math/rand/v2"
	"time"
)

// Bounds of the pause after a failure.
const (
	firstPause = time.Minute
	lastPause  = 6 * time.Hour

	// Where there is no certificate that could go on serving, the site is down until the CA is
	// asked again. Let's Encrypt allows five failed validations of a name in an hour.
	barePause = 15 * time.Minute
)

// backoff is the pause after that many failures in a row: 1 min, 2 min, 4 min … 6 h, and
// never more than a tenth of what is left of the certificate. Without one, or with one that
// has expired or is revoked, it ends at 15 min.
func backoff(failures int, left time.Duration) time.Duration {
	pause := lastPause
	if shift := failures - 1; shift < 9 {
		pause = min(firstPause<<max(shift, 0), lastPause)
	}
	if left <= 0 {
		return min(pause, barePause)
	}
	return min(pause, max(left/10, firstPause))
}

// The share of its lifetime that a certificate has left when it is renewed: 30 days of 90,
// 2 of 6, 8 hours of 24 (A3).
const renewAtShare = 3

// renewalTime is when c is due by its age. It is earlier by up to a twentieth of the last
// third, so that certificates that were got together are not renewed together.
func renewalTime(c *Issued) time.Time {
	return soonestByAge(c).Add(spread(lastThird(c) / 20))
}

// soonestByAge is before any renewalTime of c.
func soonestByAge(c *Issued) time.Time {
	last := lastThird(c)
	return c.Leaf.NotAfter.Add(-last - last/20)
}

func lastThird(c *Issued) time.Duration { return lifetime(c) / renewAtShare }

// spread is a random part of d.
func spread(d time.Duration) time.Duration {
	if d <= 0 {
		return 0
	}
	return rand.N(d)
}

// aLittleMore adds up to a tenth, so that failures do not march in step.
func aLittleMore(d time.Duration) time.Duration { return d + spread(d/10) }
