package doctor

import "syscall"

// freeSpace is how many bytes and files still fit on the file system of a directory. One
// that does not count its files has room for some.
func freeSpace(dir string) (bytes, files uint64, err error) {
	var s syscall.Statfs_t
	if err := syscall.Statfs(dir, &s); err != nil {
		return 0, 0, err
	}
	files = uint64(s.Ffree)
	if s.Files == 0 {
		files = 1
	}
	return uint64(s.Bavail) * uint64(s.Bsize), files, nil
}
