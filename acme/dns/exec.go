package dns

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"time"

	"github.com/libdns/libdns"
)

// Exec calls a program of the operator's for each record, one call at a time, as such
// programs are seldom written for more. It is safe for concurrent use.
type Exec struct {
	path    string
	timeout time.Duration
	turn    chan struct{} // holds one token: whoever has it may call
}

var _ Provider = (*Exec)(nil)

// NewExec makes a provider, or refuses a program that is not there.
func NewExec(c ExecConfig) (*Exec, error) {
	if err := c.Check(); err != nil {
		return nil, err
	}
	if err := c.findProgram(); err != nil {
		return nil, err
	}
	p := &Exec{path: c.Path, timeout: cmp.Or(c.Timeout, defaultHookTimeout), turn: make(chan struct{}, 1)}
	p.turn <- struct{}{}
	return p, nil
}

// AppendRecords implements libdns.RecordAppender by `PATH present NAME VALUE`. If a call
// fails, it and those before it are cleaned up.
func (p *Exec) AppendRecords(ctx context.Context, zone string, records []libdns.Record) ([]libdns.Record, error) {
	done, err := p.each(ctx, "present", zone, records)
	var refused *refusal
	switch {
	case err == nil:
		return handled(records), nil
	case errors.As(err, &refused):
		return nil, err
	}
	return nil, undone(err, undo(ctx, p, zone, records[:done+1]))
}

// DeleteRecords implements libdns.RecordDeleter by `PATH cleanup NAME VALUE`. Every record
// has its call, also if one before it fails.
func (p *Exec) DeleteRecords(ctx context.Context, zone string, records []libdns.Record) ([]libdns.Record, error) {
	var deleted []libdns.Record
	var failed error
	for i := range records {
		if _, err := p.each(ctx, "cleanup", zone, records[i:i+1]); err != nil {
			failed = errors.Join(failed, err)
			continue
		}
		deleted = append(deleted, handled(records[i:i+1])...)
	}
	return deleted, failed
}

// each calls the program for one record after the other and returns how many it did. Its
// error is a refusal if the program was not called.
func (p *Exec) each(ctx context.Context, verb, zone string, records []libdns.Record) (int, error) {
	texts, err := asTXT(zone, records)
	if err != nil {
		return 0, err
	}
	select {
	case <-p.turn:
		defer func() { p.turn <- struct{}{} }()
	case <-ctx.Done():
		return 0, &refusal{fmt.Errorf("dns: %s %s: waiting for its turn: %w", p.path, verb, ctx.Err())}
	}
	for i, t := range texts {
		if err := p.call(ctx, verb, t); err != nil {
			return i, fmt.Errorf("dns: %s %s %s: %w", p.path, verb, t.name, err)
		}
	}
	return len(texts), nil
}

func (p *Exec) call(ctx context.Context, verb string, t txt) error {
	ctx, cancel := context.WithTimeoutCause(ctx, p.timeout, fmt.Errorf("not done within %v", p.timeout))
	defer cancel()
	var said tail
	cmd := p.command(ctx, verb, t)
	cmd.Stderr = &said
	err := cmd.Run()
	if err == nil || errors.Is(err, exec.ErrWaitDelay) && ctx.Err() == nil {
		return nil // a child that keeps stderr open is not the program's failure
	}
	if ctx.Err() != nil {
		err = context.Cause(ctx)
	}
	if said.String() != "" {
		return fmt.Errorf("%w: %s", err, said.String())
	}
	return err
}

// drain is how long a program's children may keep its stderr open after it has ended.
const drain = time.Second

// command is the call in a process group of its own, which dies as one.
func (p *Exec) command(ctx context.Context, verb string, t txt) *exec.Cmd {
	cmd := exec.CommandContext(ctx, p.path, verb, t.name, t.value)
	cmd.Dir = "/"
	cmd.Env = environment()
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
	cmd.WaitDelay = drain
	return cmd
}

// environment is what a program needs to find others and its files. It has none of dwaar's
// secrets, and no NOTIFY_SOCKET.
func environment() []string {
	env := []string{"PATH=" + cmp.Or(os.Getenv("PATH"), "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin")}
	for _, name := range []string{"HOME", "LANG", "TMPDIR", "TZ"} {
		if value, ok := os.LookupEnv(name); ok {
			env = append(env, name+"="+value)
		}
	}
	return env
}

// tail keeps the end of what is written to it.
type tail struct{ text []byte }

const tailSize = 2 << 10

// Write implements io.Writer.
func (t *tail) Write(p []byte) (int, error) {
	t.text = append(t.text, p...)
	if extra := len(t.text) - tailSize; extra > 0 {
		t.text = append(t.text[:0], t.text[extra:]...)
	}
	return len(p), nil
}

// String is the end as one line.
func (t *tail) String() string {
	return strings.Join(strings.Fields(strings.ToValidUTF8(string(t.text), "�")), " ")
}
