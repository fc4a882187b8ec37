package redis

import (
	"context"
	"crypto/sha1"
	_ "embed"
	"encoding/hex"

	"github.com/redis/go-redis/v9"
)

// script is what the server runs at one go.
type script struct {
	text, sum string
}

func newScript(text string) script {
	sum := sha1.Sum([]byte(text))
	return script{text, hex.EncodeToString(sum[:])}
}

var (
	//go:embed lua/change.lua
	changeLua string
	//go:embed lua/store.lua
	storeLua string
	//go:embed lua/delete.lua
	deleteLua string
	//go:embed lua/changes.lua
	changesLua string
	//go:embed lua/stat.lua
	statLua string
	//go:embed lua/children.lua
	childrenLua string
	//go:embed lua/lock.lua
	lockLua string
	//go:embed lua/extend.lua
	extendLua string
	//go:embed lua/unlock.lua
	unlockLua string
)

var (
	storeScript    = newScript(changeLua + storeLua)
	deleteScript   = newScript(changeLua + deleteLua)
	changesScript  = newScript(changeLua + changesLua)
	statScript     = newScript(statLua)
	childrenScript = newScript(childrenLua)
	lockScript     = newScript(lockLua)
	extendScript   = newScript(extendLua)
	unlockScript   = newScript(unlockLua)
)

// run runs a script in one round trip, or in two on a server that does not know it yet. The
// script hears of that by its first argument.
func (s *Store) run(ctx context.Context, sc script, keys []string, args ...any) *redis.Cmd {
	cmd := s.client.EvalSha(ctx, sc.sum, keys, append([]any{"0"}, args...)...)
	if redis.HasErrorPrefix(cmd.Err(), "NOSCRIPT") {
		return s.client.Eval(ctx, sc.text, keys, append([]any{"1"}, args...)...)
	}
	return cmd
}

// name is a key of the server.
func (s *Store) name(parts string) string { return s.cfg.KeyPrefix + parts }

// changing are the keys of a script that begins as lua/change.lua.
func (s *Store) changing(more ...string) []string {
	return append([]string{s.name("meta"), s.name("index"), s.name("log"), s.name("dead"), s.name("breaks")}, more...)
}
