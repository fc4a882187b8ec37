package doctor_test

import (
	"context"
	"fmt"
	"net"
	"os"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"dwaar/cmd/dwaar/internal/doctor"
)

func found(level doctor.Level, n int) (all []doctor.Finding) {
	for i := range n {
		all = append(all, doctor.Finding{Level: level, What: fmt.Sprint(level, i), Why: "so"})
	}
	return all
}

func TestChecksRunAtOnceAndAreToldInOrder(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		began, stuck := time.Now(), make(chan struct{})
		slow := func(wait time.Duration, what string) doctor.Check {
			return doctor.Check{Name: what, Look: func(context.Context) []doctor.Finding {
				time.Sleep(wait)
				return []doctor.Finding{{Level: doctor.OK, What: what}}
			}}
		}
		checks := []doctor.Check{
			slow(4*time.Second, "first"),
			{Name: "hung", Look: func(context.Context) []doctor.Finding { <-stuck; return nil }},
			{Name: "bounded", Look: func(ctx context.Context) []doctor.Finding {
				<-ctx.Done()
				return []doctor.Finding{{Level: doctor.Fail, What: "bounded", Why: "timeout"}}
			}},
			slow(time.Second, "last"),
			{Name: "nothing", Look: func(context.Context) []doctor.Finding { return nil }},
		}
		var told []string
		for f := range doctor.Run(t.Context(), 5*time.Second, checks) {
			told = append(told, f.Check+" "+string(f.Level)+" "+f.What)
		}
		want := "first ok first, hung fail hung, bounded fail bounded, last ok last"
		if got := strings.Join(told, ", "); got != want {
			t.Errorf("told %q, want %q", got, want)
		}
		if took := time.Since(began); took != 6*time.Second {
			t.Errorf("it took %v", took)
		}
		close(stuck)
	})
}

func TestACheckThatFindsVeryMuchTellsTheWorst(t *testing.T) {
	many := doctor.Check{Name: "many", Look: func(context.Context) []doctor.Finding {
		return append(found(doctor.OK, 50), append(found(doctor.Warn, 90), found(doctor.Fail, 20)...)...)
	}}
	var told []doctor.Finding
	for f := range doctor.Run(t.Context(), time.Minute, []doctor.Check{many}) {
		told = append(told, f)
	}
	if len(told) != 101 || told[0].Level != doctor.Fail || told[20].Level != doctor.Warn {
		t.Errorf("told %d: %v", len(told), told)
	}
	if last := told[len(told)-1]; last.Level != doctor.Warn || last.What != "many" || !strings.HasPrefix(last.Why, "60 more") {
		t.Errorf("the last is %v", last)
	}
}

func TestPortsThatOnlyRootMayHave(t *testing.T) {
	refused := &net.OpError{Op: "listen", Net: "tcp", Err: os.NewSyscallError("bind", syscall.EACCES)}
	f := doctor.Port(":443", refused)
	if f.Level != doctor.Fail || f.What != "port :443" || !containsAll(f.Why, []string{"setcap cap_net_bind_service=+ep", "AmbientCapabilities", "https_port"}) {
		t.Errorf("found %v", f)
	}
	if f := doctor.Port(":443", syscall.EMFILE); f.Level != doctor.Fail || !strings.Contains(f.Why, "too many open files") {
		t.Errorf("found %v", f)
	}
}

// What belongs to another user's dwaar is left alone: files of root in it would be in its way.
func TestDirectoryOfAnotherUserIsLeftAlone(t *testing.T) {
	if os.Geteuid() != 0 {
		return // who else could give a directory away
	}
	p := newPractice(t)
	if err := os.Chown(p.data(), 65534, 65534); err != nil {
		t.Fatal(err)
	}
	got := p.sees(t, "}\nhttp://:8080 {\n\trespond hello\n}\n")
	got.expect(t, doctor.Warn, "data directory", "belongs to", "sudo -u")
	got.silent(t, "storage")
	if left, err := os.ReadDir(p.data()); err != nil || len(left) > 0 {
		t.Errorf("made %v in it, %v", left, err)
	}
}
