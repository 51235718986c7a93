package record

import (
	"errors"
	"fmt"
	"io/fs"
)

const reserveName = "reserve"

// The reserve is a file that holds room on the disk. When a write finds the
// disk full, the file is deleted and the sessions that run go on in its room;
// no new session starts until there is room for a new reserve.

// makeReserve claims the room. The file may be there already.
func (j *Journal) makeReserve() error {
	file, err := j.fs.Create(reserveName)
	if errors.Is(err, fs.ErrExist) {
		j.setReserve(true)
		return nil
	}
	if err != nil {
		return fmt.Errorf("make journal reserve: %w", err)
	}
	err = errors.Join(file.Allocate(j.cfg.ReserveBytes), file.Sync(), file.Close())
	if err != nil {
		return errors.Join(fmt.Errorf("make journal reserve: %w", err), j.fs.Remove(reserveName))
	}
	j.setReserve(true)
	return nil
}

// renewReserve makes the reserve again once the disk has room.
func (j *Journal) renewReserve() {
	if j.Stats().Reserve {
		return
	}
	if free, err := j.cfg.Free(); err != nil || free < j.cfg.MinFree {
		return
	}
	if err := j.makeReserve(); err != nil {
		j.cfg.Logger.Warn("no room for the journal's reserve yet", "err", err)
	}
}

// dropReserve gives the room to the sessions that run. It tells whether there
// was any.
func (j *Journal) dropReserve() bool {
	if !j.Stats().Reserve {
		return false
	}
	j.setReserve(false)
	if err := j.fs.Remove(reserveName); err != nil {
		j.cfg.Logger.Error("cannot delete the journal's reserve", "err", err)
		return false
	}
	j.cfg.Logger.Warn("the disk is full: running sessions use the reserve, new ones are refused")
	return true
}

func (j *Journal) setReserve(there bool) {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.stats.Reserve = there
}
