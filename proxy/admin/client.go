package admin

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"time"
)

// maxAnswer bounds what the client reads: the status of a million certificates fits.
const maxAnswer = 1 << 30

// Client is the other end of the door, used by the commands.
type Client struct {
	addr  Address
	token string
	http  *http.Client
}

// NewClient checks addr (a Unix socket or host:port, see ParseTarget) and
// connects with the first request.
func NewClient(addr Address, token string) (*Client, error) {
	if addr.Network == "tcp" && token == "" {
		return nil, fmt.Errorf("the admin address %s needs the token of the option admin: give --token or $DWAAR_ADMIN_TOKEN", addr)
	}
	c := &Client{addr: addr, token: token}
	c.http = &http.Client{Transport: &http.Transport{
		DialContext:       func(ctx context.Context, _, _ string) (net.Conn, error) { return c.dial(ctx) },
		DisableKeepAlives: true,
	}}
	return c, nil
}

// Status is the whole picture.
func (c *Client) Status(ctx context.Context) (Status, error) {
	var s Status
	return s, c.get(ctx, "/status", &s)
}

// Certificates lists what is served; with a name only what carries it.
func (c *Client) Certificates(ctx context.Context, name string) ([]Certificate, error) {
	path := "/certs"
	if name != "" {
		path += "/" + url.PathEscape(name)
	}
	var list certificateList
	err := c.get(ctx, path, &list)
	return list.Certificates, err
}

// Renew gets new certificates for a name now, and returns them when they serve.
// An *Error says why there are none.
func (c *Client) Renew(ctx context.Context, name string) ([]Certificate, error) {
	return c.replace(ctx, name, "renew")
}

// Reissue is Renew with another key for certain.
func (c *Client) Reissue(ctx context.Context, name string) ([]Certificate, error) {
	return c.replace(ctx, name, "reissue")
}

func (c *Client) replace(ctx context.Context, name, how string) ([]Certificate, error) {
	var list certificateList
	path := "/certs/" + url.PathEscape(name) + "/" + how
	err := c.exchange(ctx, http.MethodPost, path, nil, c.decodeInto(&list))
	return list.Certificates, err
}

// Reload makes dwaar read its configuration again, from path (absolute) if it is
// not empty. A refused configuration is an *Error with its Problems.
func (c *Client) Reload(ctx context.Context, path string) error {
	body, err := json.Marshal(reloadRequest{Config: path})
	if err != nil {
		return err
	}
	return c.exchange(ctx, http.MethodPost, "/reload", body, discard)
}

// Stop asks for a graceful stop and waits until the door is closed, which it is
// when the last request has been served.
func (c *Client) Stop(ctx context.Context) error {
	if err := c.exchange(ctx, http.MethodPost, "/stop", nil, discard); err != nil {
		return err
	}
	for {
		conn, err := c.dial(ctx)
		var slow net.Error
		switch {
		case err == nil:
			conn.Close()
		case errors.As(err, &slow) && slow.Timeout():
			// A busy door is not a closed one; and the dialer may notice the end of
			// ctx before ctx does.
		default:
			return ctx.Err()
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(pollStopped):
		}
	}
}

// pollStopped is the time between two looks at a door that is to be closed.
const pollStopped = 20 * time.Millisecond

func (c *Client) dial(ctx context.Context) (net.Conn, error) {
	dialer := &net.Dialer{Timeout: 5 * time.Second}
	return dialer.DialContext(ctx, c.addr.Network, c.addr.Addr)
}

// Refresh asks the responders now, of the certificates with this name or, if it
// is empty, of all. It calls each for every outcome as it arrives.
func (c *Client) Refresh(ctx context.Context, name string, each func(Refreshed)) error {
	query := url.Values{"all": {"1"}}
	if name != "" {
		query = url.Values{"name": {name}}
	}
	return c.exchange(ctx, http.MethodPost, "/ocsp/refresh?"+query.Encode(), nil, func(r io.Reader) error {
		d := json.NewDecoder(r)
		for {
			var one Refreshed
			if err := d.Decode(&one); errors.Is(err, io.EOF) {
				return nil
			} else if err != nil {
				return fmt.Errorf("reading the answer of %s: %w", c.addr, err)
			}
			each(one)
		}
	})
}

func (c *Client) get(ctx context.Context, path string, v any) error {
	return c.exchange(ctx, http.MethodGet, path, nil, c.decodeInto(v))
}

func (c *Client) decodeInto(v any) func(io.Reader) error {
	return func(r io.Reader) error {
		if err := json.NewDecoder(r).Decode(v); err != nil {
			return fmt.Errorf("reading the answer of %s: %w", c.addr, err)
		}
		return nil
	}
}

func (c *Client) exchange(ctx context.Context, method, path string, body []byte, read func(io.Reader) error) error {
	req, err := http.NewRequestWithContext(ctx, method, "http://"+c.host()+path, bytes.NewReader(body))
	if err != nil {
		return err
	}
	if c.token != "" {
		req.Header.Set("Authorization", "Bearer "+c.token)
	}
	resp, err := c.http.Do(req)
	if err != nil {
		return c.explain(err)
	}
	defer resp.Body.Close()
	bounded := io.LimitReader(resp.Body, maxAnswer)
	if resp.StatusCode/100 != 2 {
		return refusal(resp, bounded)
	}
	return read(bounded)
}

func (c *Client) host() string {
	if c.addr.Network == "unix" {
		return "localhost"
	}
	return c.addr.Addr
}

func discard(io.Reader) error { return nil }
