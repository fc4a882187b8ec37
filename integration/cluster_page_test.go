package integration

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"dwaar/integration/internal/client"
	"dwaar/integration/internal/dwaar"
	"dwaar/integration/internal/pebble"
	"dwaar/integration/internal/pki"
	"dwaar/integration/internal/redisserver"
	"dwaar/integration/internal/wait"
)

// clusterPage has what docs/cluster.md shows.
type clusterPage struct {
	t    *testing.T
	text string
}

func readClusterPage(t *testing.T) clusterPage {
	return clusterPage{t, string(must(t)(os.ReadFile("../docs/cluster.md")).([]byte))}
}

// block is the fenced block of a language that contains a word.
func (p clusterPage) block(language, word string) string {
	p.t.Helper()
	for _, text := range strings.Split(p.text, "```"+language+"\n")[1:] {
		if text, _, _ = strings.Cut(text, "```"); strings.Contains(text, word) {
			return text
		}
	}
	p.t.Fatalf("docs/cluster.md shows no %s with %q", language, word)
	return ""
}

// redis starts one with the page's redis.conf and users.acl, but for addresses and paths, and
// for the user default, who is the test's.
func (p clusterPage) redis(password string) (*redisserver.Server, string) {
	p.t.Helper()
	dir, authority := p.t.TempDir(), pki.New(p.t, "Redis")
	files := authority.Issue(p.t, pki.Request{Names: []string{"redis.internal"}}).Write(p.t, dir, "redis")
	users := strings.NewReplacer("user default off", "user default on nopass ~* &* +@all", "CHANGE-ME", password).Replace(p.block("users.acl", "default off"))
	pki.WriteFile(p.t, filepath.Join(dir, "users.acl"), []byte(users))
	settings := redisserver.Settings{CertFile: files.Cert, KeyFile: files.Key, CAFile: rootFile(p.t, authority)}
	for line := range strings.Lines(strings.ReplaceAll(p.block("redis.conf", "aclfile"), "/etc/redis/", dir+"/")) {
		option, value, _ := strings.Cut(strings.TrimSpace(line), " ")
		switch {
		case option == "dir" || option == "port" || strings.HasPrefix(option, "tls-") && option != "tls-auth-clients":
		default:
			settings.Args = append(settings.Args, "--"+option, value)
		}
	}
	return redisserver.StartWith(p.t, settings), settings.CAFile
}

// reading is a node that was set up by the page.
type reading struct {
	*dwaar.Server
	page clusterPage
	ca   *pebble.Pebble
}

// node prepares one whose files are in a directory of its own, as on a machine of its own.
func (p clusterPage) node(ca *pebble.Pebble, redis *redisserver.Server, rootOfRedis, key, password string) reading {
	p.t.Helper()
	n := reading{dwaar.New(p.t, binaries.Race, binaries.Plain), p, ca}
	pki.WriteFile(p.t, filepath.Join(n.Dir, "redis-ca.pem"), must(p.t)(os.ReadFile(rootOfRedis)).([]byte))
	pki.WriteFile(p.t, filepath.Join(n.Dir, "storage.key"), []byte(key))
	n.Env = append(n.Env, "REDIS_PASSWORD="+password)
	n.says(p.block("dwaarfile", "key_prefix"), redis)
	return n
}

// says writes a Dwaarfile of the page, with the addresses of the test.
func (n reading) says(text string, redis *redisserver.Server) {
	n.page.t.Helper()
	global := fmt.Sprintf("{\n\thttp_port %d\n\thttps_port %d\n\tdefault_bind 127.0.0.1\n\tacme_ca %s\n\tacme_ca_root %s\n", n.HTTP, n.HTTPS, n.ca.Directory(), n.ca.RootFile())
	text = strings.Replace(text, "{\n", global, 1)
	n.Configure(strings.NewReplacer("redis.internal:6379", redis.Addr(), "tls {\n", "tls {\n\t\t\tserver_name redis.internal\n").Replace(text))
}

// What docs/cluster.md says makes a cluster: its redis.conf, its user, its commands, its
// Dwaarfile. The user may do all that dwaar tries.
func TestTheClusterPageWorks(t *testing.T) {
	t.Parallel()
	page := readClusterPage(t)
	const password = "correct-horse"
	redis, root := page.redis(password)
	dir := t.TempDir()
	page.run(dir, page.block("sh", "openssl rand"))
	key := string(must(t)(os.ReadFile(filepath.Join(dir, "storage.key"))).([]byte))
	ca := pebble.Start(t, pebble.Config{AlwaysValid: true})
	var leaves []client.Handshake
	for range 2 {
		n := page.node(ca, redis, root, key, password)
		n.Must("validate")
		n.Start()
		leaves = append(leaves, n.served("www.example.com"))
		if status := n.Must("status").Text(); !strings.Contains(status, "up since") {
			t.Errorf("dwaar status does not show the storage up:\n%s", status)
		}
		if warned := n.Log.Records("WARN"); len(warned) > 0 {
			t.Errorf("a node set up as the page says warns: %v", warned)
		}
	}
	if len(ca.Orders()) != 2 || !leaves[0].Leaf.Equal(leaves[1].Leaf) {
		t.Errorf("%d orders for two names", len(ca.Orders()))
	}
	if n := privateKeys(valuesIn(t, redis, "dwaar:")); n != 0 {
		t.Errorf("%d private keys in Redis", n)
	}
	for _, refused := range must(t)(redis.Do("ACL", "LOG")).([]any) {
		t.Errorf("Redis has refused: %q", refused)
	}
}

// The commands of docs/cluster.md take the files of a dwaar into an empty Redis.
func TestMovingFromFilesToRedis(t *testing.T) {
	t.Parallel()
	page, redis := readClusterPage(t), redisserver.Start(t)
	ca := pebble.Start(t, pebble.Config{AlwaysValid: true})
	node := func() reading { return reading{dwaar.New(t, binaries.Race, binaries.Plain), page, ca} }
	const site = "www.example.com {\n\trespond ok\n}\n"
	first := node()
	first.says("{\n}\n"+site, redis)
	first.Start()
	before := first.served("www.example.com")
	first.Stop()
	ca.Down()
	second, shared := node(), strings.Replace("{\n\t"+sealedBy(redis, newKey(t))+"\n}\n"+site, "\t\tenc", "\t\tkey_prefix moved:\n\t\tenc", 1)
	first.says(shared, redis)
	kept := filesIn(t, first.Data)
	first.Must(strings.Fields(page.block("sh", "storage import"))[1:]...)
	if values := valuesIn(t, redis, "moved:"); privateKeys(values) != 0 || len(values) < 5 {
		t.Errorf("%d values are imported, %d private keys can be read", len(values), privateKeys(values))
	}
	if !reflect.DeepEqual(kept, filesIn(t, first.Data)) {
		t.Error("the import changes the files")
	}
	for _, n := range []reading{first, second} {
		n.says(shared, redis)
		n.Start()
		if after := n.served("www.example.com"); !after.Leaf.Equal(before.Leaf) {
			t.Errorf("serial %x is served, before it was %x", after.Leaf.SerialNumber, before.Leaf.SerialNumber)
		}
	}
	if len(ca.Orders()) != 1 {
		t.Errorf("%d orders, want 1", len(ca.Orders()))
	}
	imported := valuesIn(t, redis, "moved:v:certificates/")
	if told := first.Do("storage", "import", first.Data, "--config", first.Config()); told.Code != 1 || !strings.Contains(told.Text(), "in use already") {
		t.Errorf("an import into what is in use: %d\n%s", told.Code, told.Text())
	}
	if !reflect.DeepEqual(imported, valuesIn(t, redis, "moved:v:certificates/")) {
		t.Error("a refused import changes something")
	}
}

// served waits until a name is served.
func (n reading) served(name string) (shown client.Handshake) {
	n.page.t.Helper()
	wait.Until(n.page.t, soon, "a certificate for "+name, func() (err error) {
		shown, err = client.Target{Addr: n.Addr(), Name: name, Roots: n.ca.Pool()}.Do()
		return err
	})
	return shown
}

// run runs commands of the page.
func (p clusterPage) run(dir, script string) {
	p.t.Helper()
	cmd := exec.CommandContext(p.t.Context(), "sh", "-euc", script)
	cmd.Dir = dir
	if out, err := cmd.CombinedOutput(); err != nil {
		p.t.Fatalf("$ %s\n%v\n%s", script, err, out)
	}
}
