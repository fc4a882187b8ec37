package main

import (
	"path/filepath"

	"dwaar/proxy/admin"
)

// dataFlag says where dwaar keeps its files.
type dataFlag struct {
	Data string `env:"DWAAR_DATA" placeholder:"DIR" help:"Directory of dwaar's own files: staples, admin socket (default: $XDG_DATA_HOME/dwaar, else ~/.local/share/dwaar)."`
}

// adminFlags say where the running dwaar listens for commands.
type adminFlags struct {
	dataFlag
	Admin string `placeholder:"ADDR" help:"Where the running dwaar listens: unix//PATH, the path of the socket, or host:port (default: admin.sock in --data)."`
	Token string `env:"DWAAR_ADMIN_TOKEN" help:"Token of an admin address on host:port. The environment hides it from other users, the flag does not."`
}

func (f adminFlags) client() (*admin.Client, error) {
	where := f.Admin
	if where == "" {
		dir, err := f.dir()
		if err != nil {
			return nil, err
		}
		where = filepath.Join(dir, admin.SocketName)
	}
	addr, err := admin.ParseTarget(where)
	if err != nil {
		return nil, usage(err)
	}
	c, err := admin.NewClient(addr, f.Token)
	if err != nil {
		return nil, usage(err)
	}
	return c, nil
}
