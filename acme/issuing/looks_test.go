package issuing_test

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"dwaar/acme/issuing"
	"dwaar/tlsstore/storage"
)

// countingStorage is asked over a network.
type countingStorage struct {
	storage.Storage
	asked atomic.Int32
}

func (s *countingStorage) Load(ctx context.Context, key string) ([]byte, error) {
	s.asked.Add(1)
	defer time.Sleep(time.Millisecond)
	return s.Storage.Load(ctx, key)
}

func (s *countingStorage) List(ctx context.Context, prefix string, recursive bool) ([]string, error) {
	s.asked.Add(1)
	defer time.Sleep(time.Millisecond)
	return s.Storage.List(ctx, prefix, recursive)
}

// Whoever asks for challenges, of hosts that he made up, too, costs storage little: many at
// once, and one after the other.
func TestStrangersWhoAskForChallengesDoNotHammerStorage(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &countingStorage{Storage: openStorage(t, t.TempDir())}
		i := issuing.New(s, nil, logger(t), issuing.Options{})
		i.Use([]issuing.Policy{{Names: []string{"*.example.test", name}, Issuers: []issuing.IssuerConfig{{CA: "https://ca.test/directory"}}}})
		begun := time.Now()
		var askers sync.WaitGroup
		for n := range 100 {
			askers.Go(func() {
				for again := range 100 {
					handled, w := ask(i, "GET", fmt.Sprintf("host-%d-%d.example.test", n, again), challengePath+"token")
					if !handled || w.Code != 404 {
						t.Errorf("handled %v, status %d", handled, w.Code)
					}
				}
			})
		}
		askers.Wait()
		took := time.Since(begun)
		if asked, most := s.asked.Load(), took.Seconds()*50+2; float64(asked) > most {
			t.Errorf("storage was asked %d times in %v by 10,000 requests, want at most %.0f", asked, took, most)
		}
		time.Sleep(time.Second) // the last look rests
	})
}

// A look that has begun is not for who comes later: what he asks for may have come between.
func TestNobodyIsToldThatThereWasNoChallengeBeforeHeAsked(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &countingStorage{Storage: openStorage(t, t.TempDir())}
		i := issuing.New(s, nil, logger(t), issuing.Options{})
		i.Use([]issuing.Policy{{Names: []string{name}, Issuers: []issuing.IssuerConfig{{CA: "https://ca.test/directory"}}}})
		var stranger sync.WaitGroup
		stranger.Go(func() { ask(i, "GET", name, challengePath+"token") })
		time.Sleep(time.Millisecond / 2) // his look is under way
		challenge := `{"type":"http-01","token":"token","keyAuthorization":"token.key","identifier":{"type":"dns","value":"` + name + `"}}`
		if err := s.Store(t.Context(), issuing.ChallengeKey("https://ca.test/directory", name), []byte(challenge)); err != nil {
			t.Fatal(err)
		}
		if _, w := ask(i, "GET", name, challengePath+"token"); w.Code != 200 || w.Body.String() != "token.key" {
			t.Errorf("status %d, %q", w.Code, w.Body)
		}
		stranger.Wait()
		time.Sleep(time.Second)
	})
}
