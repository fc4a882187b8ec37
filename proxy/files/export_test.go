package files

// ListAtMost lowers the number of entries that are read of a directory.
func (s *Server) ListAtMost(n int) { s.listed = n }
