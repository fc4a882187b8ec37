package redisserver_test

import (
	"testing"

	"dwaar/integration/internal/redisserver"
)

func TestRestartKeepsAndRestartEmptyDoesNot(t *testing.T) {
	t.Parallel()
	s := redisserver.StartWith(t, redisserver.Settings{Password: "p@ss"})
	if _, err := s.Do("SET", "k", "v"); err != nil {
		t.Fatal(err)
	}
	s.Freeze()
	s.Thaw()
	s.Restart()
	if got, err := s.Do("GET", "k"); got != "v" {
		t.Errorf("after Restart: %v, %v", got, err)
	}
	s.RestartEmpty()
	if got, err := s.Do("DBSIZE"); got != int64(0) {
		t.Errorf("after RestartEmpty: %v keys, %v", got, err)
	}
	s.Stop()
	if _, err := s.Do("PING"); err == nil {
		t.Error("a stopped server answers")
	}
	s.Start()
}
