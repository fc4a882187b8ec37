package redis

import (
	"context"
	"errors"
	"fmt"
	"net"
	"time"

	"github.com/redis/go-redis/v9"
)

// silence is how long a server may say nothing before it is asked whether it is still there.
const silence = 5 * time.Second

// Listen implements storage.Shared. It calls changed once in the beginning, for what has
// happened before.
func (s *Store) Listen(ctx context.Context, changed func()) error {
	if err := s.listen(ctx, changed); err != nil {
		return fmt.Errorf("listening for changes: %w", err)
	}
	return nil
}

func (s *Store) listen(ctx context.Context, changed func()) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	if !s.enter() {
		return errClosed
	}
	heard, over := make(chan struct{}, 1), make(chan error, 1)
	receiving, stop := context.WithCancel(ctx)
	defer stop()
	go func() {
		defer s.calls.Done()
		over <- s.receive(receiving, heard)
	}()
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case err := <-over:
			return s.verdict(ctx, err)
		case <-heard:
			changed()
		}
	}
}

// receive subscribes, and puts something into heard whenever there is news.
func (s *Store) receive(ctx context.Context, heard chan<- struct{}) error {
	first, cancel := context.WithTimeout(ctx, callTimeout)
	news := s.client.Subscribe(first, s.name("changed"))
	cancel()
	defer news.Close()
	defer context.AfterFunc(ctx, func() { _ = news.Close() })()
	for asked := false; ; {
		message, err := next(ctx, news)
		switch message.(type) {
		case *redis.Message, *redis.Subscription:
			select {
			case heard <- struct{}{}:
			default: // it has not listened to the last one yet
			}
		}
		if silent(err) && !asked {
			err, asked = ping(ctx, news), true
		} else {
			asked = false
		}
		if err != nil {
			return err
		}
	}
}

// next waits for something from the server. The context bounds a connection that is made anew.
func next(ctx context.Context, news *redis.PubSub) (message any, err error) {
	defer func() {
		if recover() != nil { // go-redis does at a message that is none
			err = errReply
		}
	}()
	ctx, cancel := context.WithTimeout(ctx, silence+callTimeout)
	defer cancel()
	return news.ReceiveTimeout(ctx, silence)
}

func silent(err error) bool {
	var timeout net.Error
	return errors.As(err, &timeout) && timeout.Timeout()
}

func ping(ctx context.Context, news *redis.PubSub) error {
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	return news.Ping(ctx)
}
