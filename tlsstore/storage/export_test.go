package storage

import "time"

// StageOnly does the first half of a write, up to the moment before the rename, and then
// behaves as a process that is killed there: its lock is gone, its file is not.
func StageOnly(f *FileSystem, value []byte) error {
	file, err := f.stage(value, time.Now())
	if err != nil {
		return err
	}
	return file.Close()
}

// StageAndHold does the same as a process that is still alive.
func StageAndHold(f *FileSystem, value []byte) (release func() error, err error) {
	file, err := f.stage(value, time.Now())
	if err != nil {
		return nil, err
	}
	return file.Close, nil
}
