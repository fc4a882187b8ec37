package handler

import (
	"fmt"

	"dwaar/proxy/files"
)

// FileServer answers with files.
type FileServer struct {
	files.Config
}

// Name implements [Directive].
func (FileServer) Name() string { return "file_server" }

// Compile implements [Directive].
func (c FileServer) Compile(*Env) (Middleware, error) {
	server, err := files.New(c.Config, Fail)
	if err != nil {
		return nil, fmt.Errorf("file_server: %w", err)
	}
	return server.Wrap, nil
}
