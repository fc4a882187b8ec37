package main

import (
	"context"
	"errors"
	"log/slog"
	"os"
	"sync/atomic"
	"syscall"
	"testing"
	"testing/synctest"
)

// patientService drains until it is let go, and counts reloads.
type patientService struct {
	reloads   atomic.Int32
	reloadErr error
	inReload  chan struct{} // receives hold a reload, if not nil
	drained   chan struct{}
	runErr    error
}

func (p *patientService) Run(ctx context.Context) error {
	if p.runErr != nil {
		return p.runErr
	}
	<-ctx.Done()
	<-p.drained
	return nil
}

func (p *patientService) Reload(context.Context) error {
	p.reloads.Add(1)
	if p.inReload != nil {
		<-p.inReload
	}
	return p.reloadErr
}

// steered runs steering over p and returns its hands.
func steered(t *testing.T, p *patientService) (signals chan os.Signal, changed chan struct{}, ended chan error) {
	signals, changed, ended = make(chan os.Signal, 4), make(chan struct{}, 1), make(chan error, 1)
	log := slog.New(slog.NewTextHandler(t.Output(), nil))
	go func() { ended <- steering{srv: p, signals: signals, changed: changed, log: log}.run() }()
	return signals, changed, ended
}

func TestSignalsAndChangesReload(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := &patientService{drained: make(chan struct{}), reloadErr: errors.New("Dwaarfile:1:1: bad")}
		signals, changed, ended := steered(t, p)
		for i, ask := range []func(){
			func() { signals <- syscall.SIGHUP }, func() { signals <- syscall.SIGUSR1 }, func() { changed <- struct{}{} },
		} {
			ask()
			synctest.Wait()
			if got := int(p.reloads.Load()); got != i+1 {
				t.Errorf("after %d asked for: %d reloads", i+1, got)
			}
		}
		signals <- syscall.SIGTERM
		close(p.drained)
		if err := <-ended; err != nil {
			t.Errorf("ended with %v: a refused reload is no reason to", err)
		}
	})
}

func TestWhatArrivesDuringAReloadMakesOneMore(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := &patientService{drained: make(chan struct{}), inReload: make(chan struct{})}
		signals, _, ended := steered(t, p)
		for range 5 {
			signals <- syscall.SIGHUP
			synctest.Wait()
		}
		close(p.inReload)
		synctest.Wait()
		if got := p.reloads.Load(); got != 2 {
			t.Errorf("%d reloads, want 2", got)
		}
		signals <- syscall.SIGTERM
		close(p.drained)
		<-ended
	})
}

func TestFirstSignalDrainsAndASecondEndsAtOnce(t *testing.T) {
	for _, first := range []os.Signal{os.Interrupt, syscall.SIGTERM} {
		synctest.Test(t, func(t *testing.T) {
			p := &patientService{drained: make(chan struct{})}
			signals, _, ended := steered(t, p)
			signals <- first
			synctest.Wait()
			if len(ended) != 0 {
				t.Fatal("ended before the drain")
			}
			signals <- os.Interrupt
			if err := <-ended; !errors.Is(err, errImpatient) {
				t.Errorf("ended with %v, want the second signal's error", err)
			}
			close(p.drained)
		})
	}
}

func TestStopDuringAReloadStillDrains(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := &patientService{drained: make(chan struct{}), inReload: make(chan struct{})}
		signals, _, ended := steered(t, p)
		signals <- syscall.SIGHUP
		synctest.Wait()
		signals <- syscall.SIGTERM
		close(p.drained)
		if err := <-ended; err != nil {
			t.Error(err)
		}
		close(p.inReload)
	})
}

func TestServiceThatFailsEndsTheCommand(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		boom := errors.New("listen tcp :443: permission denied")
		_, _, ended := steered(t, &patientService{runErr: boom})
		if err := <-ended; !errors.Is(err, boom) {
			t.Errorf("ended with %v", err)
		}
	})
}
