package stapler

import "time"

// untilNext is the pause after a success: half-way to the end of the answer's
// life or every, whichever is sooner. Past half-life, which is where a
// responder is that repeats itself, an hour, or a tenth of what is left if
// that is shorter, and never under 10 s (S11).
func untilNext(now, start, end time.Time, every time.Duration) time.Duration {
	if end.IsZero() {
		return sooner(every)
	}
	life := end.Sub(start)
	if half := start.Add(life / 2).Sub(now); half >= min(leastPause, life/4) {
		return sooner(min(half, every))
	}
	return min(max(sooner(min(time.Hour, end.Sub(now)/10)), leastPause), every)
}

// after plans the next round behind h, which has just been refreshed. An age
// limit that comes before the answer's own end halves the time too.
func (h *held) after(now time.Time, cfg Config) time.Time {
	every := min(cfg.RefreshEvery, cfg.MaxAge/2)
	return now.Add(untilNext(now, h.verdict.ThisUpdate, h.lifeEnd(), every)).Round(0)
}

// resumed plans the next round behind h, which comes from storage: when it
// would have been, or now if that has passed. A revocation is asked about at
// once: it may have been taken back meanwhile, and handshakes are refused until
// that is known.
func (h *held) resumed(now time.Time, cfg Config) time.Time {
	due := h.refreshed.Add(min(cfg.RefreshEvery, cfg.MaxAge/2))
	if end, start := h.lifeEnd(), h.verdict.ThisUpdate; !end.IsZero() {
		if half := start.Add(end.Sub(start) / 2); half.Before(due) {
			due = half
		}
	}
	if h.revoked() || due.Before(now) || h.refreshed.After(now) {
		return now.Round(0)
	}
	return now.Add(sooner(due.Sub(now))).Round(0)
}
