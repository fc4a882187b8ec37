package integration

import (
	"errors"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"dwaar/integration/internal/dwaar"
	"dwaar/integration/internal/redisserver"
	"dwaar/integration/internal/wait"
)

// Nodes on one storage have one local CA, and `dwaar trust --config` finds it there: also on a
// machine whose dwaar has never run, and while the storage is down it says so.
func TestTrustFindsTheLocalCAInASharedStorage(t *testing.T) {
	t.Parallel()
	redis, key := redisserver.Start(t), newKey(t)
	node := func() *dwaar.Server {
		s := dwaar.New(t, binaries.Plain, binaries.Plain)
		s.Configure(s.Options("storage redis "+redis.URL()+" {\n\t\tencryption_key env:STORAGE_KEY\n\t}", "") + "here.test {\n\ttls internal\n\trespond ok\n}\n")
		s.Env = append(s.Env, "STORAGE_KEY="+key)
		return s
	}
	first, never := node(), node()
	if out := never.Must("trust", "--dry-run", "--config", never.Config()); !strings.Contains(out.Text(), "would make a local CA: pki/local/root.crt in "+redis.URL()) {
		t.Errorf("before there is a CA:\n%s", out.Text())
	}
	first.Start()
	wait.Until(t, soon, "the CA of the first node", func() error {
		if out := never.Must("trust", "--dry-run", "--config", never.Config()); strings.Contains(out.Text(), "would make") {
			return errors.New(out.Text())
		}
		return nil
	})
	root := regexp.MustCompile(`would write \S+/dwaar-local-root-[0-9a-f]{16}\.crt`)
	here, there := first.Must("trust", "--dry-run", "--config", first.Config()).Text(), never.Must("trust", "--dry-run", "--config", never.Config()).Text()
	if root.FindString(here) == "" || here != there {
		t.Errorf("one node trusts\n%s\nthe other\n%s", here, there)
	}
	if out := first.Do("trust", "--dry-run"); out.Code != 1 || !strings.Contains(out.Text(), "give --config") {
		t.Errorf("without --config: exit %d\n%s", out.Code, out.Text())
	}
	if _, err := os.Stat(filepath.Join(never.Data, "replica")); err == nil {
		t.Error("trust has made a copy of the storage")
	}
	redis.Kill()
	if out := never.Do("trust", "--dry-run", "--config", never.Config()); out.Code != 1 || !strings.Contains(out.Text(), "storage is unavailable") {
		t.Errorf("with the storage down: exit %d\n%s", out.Code, out.Text())
	}
}
