package upstream

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"regexp"
	"strings"
	"time"
)

// mostOfBody is how much of an answer a check reads.
const mostOfBody = 1 << 20

// checker keeps asking one upstream. Until the first answer an upstream is
// taken for healthy, so that a start does not wait for checks.
type checker struct {
	config ActiveHealth
	body   *regexp.Regexp // nil: any
	to     http.RoundTripper
	base   string  // the URL of who is asked, without a path
	about  Address // who is meant
	state  *state
	log    *slog.Logger
	inARow int // owned by run: results that contradict the state
}

func newChecker(c ActiveHealth, asked *server, about Address, s *state, log *slog.Logger) (*checker, error) {
	k := &checker{config: c, to: onlyTo{asked}, base: asked.scheme + "://" + asked.host, about: about, state: s, log: log}
	if c.Body != "" {
		var err error
		if k.body, err = regexp.Compile(c.Body); err != nil {
			return nil, fmt.Errorf("reverse_proxy: health_body: %w", err)
		}
	}
	return k, nil
}

// run checks at once and then in every interval, until ctx ends.
func (k *checker) run(ctx context.Context) {
	tick := time.NewTicker(cmp.Or(k.config.Interval, defaultInterval))
	defer tick.Stop()
	for {
		err := k.check(ctx)
		if ctx.Err() != nil {
			return
		}
		k.judge(ctx, err)
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

// judge turns the state over after enough results in a row.
func (k *checker) judge(ctx context.Context, err error) {
	sick := k.state.sick.Load()
	if sick == (err != nil) {
		k.inARow = 0
		return
	}
	k.inARow++
	enough := max(k.config.Fails, 1)
	if sick {
		enough = max(k.config.Passes, 1)
	}
	if k.inARow < enough {
		return
	}
	k.inARow = 0
	k.state.sick.Store(!sick)
	if sick {
		k.log.InfoContext(ctx, "upstream is healthy again", "upstream", k.about.String())
	} else {
		k.log.WarnContext(ctx, "upstream is not healthy, it is not used", "upstream", k.about.String(), "err", err)
	}
}

// check asks once.
func (k *checker) check(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, cmp.Or(k.config.Timeout, defaultTimeout))
	defer cancel()
	request, err := k.request(ctx)
	if err != nil {
		return err
	}
	client := http.Client{Transport: k.to, CheckRedirect: k.redirects()}
	response, err := client.Do(request)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	if wanted := cmp.Or(k.config.Status, 2); !matchesStatus(response.StatusCode, wanted) {
		return fmt.Errorf("it answered %s", response.Status)
	}
	body, err := io.ReadAll(io.LimitReader(response.Body, mostOfBody))
	if err != nil {
		return err
	}
	if k.body != nil && !k.body.Match(body) {
		return fmt.Errorf("its answer does not match %s", k.body)
	}
	return nil
}

func (k *checker) request(ctx context.Context) (*http.Request, error) {
	request, err := http.NewRequestWithContext(ctx, cmp.Or(k.config.Method, http.MethodGet),
		k.base+k.config.uri(), strings.NewReader(k.config.RequestBody))
	if err != nil {
		return nil, err
	}
	for field, values := range k.config.Headers {
		if field == "Host" {
			request.Host = values[0]
			continue
		}
		request.Header[field] = values
	}
	return request, nil
}

func (k *checker) redirects() func(*http.Request, []*http.Request) error {
	if k.config.FollowRedirects {
		return nil
	}
	return func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
}

// onlyTo sends everything to one server: a redirect leads nowhere else.
type onlyTo struct{ *server }

// RoundTrip implements [http.RoundTripper].
func (o onlyTo) RoundTrip(r *http.Request) (*http.Response, error) {
	r = r.Clone(r.Context())
	r.Host = cmp.Or(r.Host, r.URL.Host)
	return o.roundTrip(r)
}
