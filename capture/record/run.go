package record

import (
	"context"
	"errors"
	"fmt"
	"syscall"
	"time"

	"inkwitness/capture"
)

// Times of the loop that writes.
const (
	markAfter = time.Second            // a last group is followed by an empty one after this
	fullRetry = 200 * time.Millisecond // how often a full disk is tried again
	allocStep = 4 << 20                // bytes of disk claimed ahead
	spareMax  = 1 << 20                // a larger buffer is not kept
)

// Run writes groups of records until ctx ends, then writes what is pending and
// returns nil. An error is fatal for the process: after a failed fsync nobody
// can know what is on the disk, so it is never tried again, and every later
// call fails with the same error. Run is called once.
func (j *Journal) Run(ctx context.Context) error {
	err := j.loop(ctx)
	if err == nil {
		err = j.flush(context.WithoutCancel(ctx), true)
	}
	if err == nil {
		err = j.mark()
	}
	return errors.Join(err, j.close(err))
}

func (j *Journal) loop(ctx context.Context) error {
	idle := time.NewTimer(markAfter)
	defer idle.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-idle.C:
			if err := j.rest(); err != nil {
				return err
			}
			idle.Reset(markAfter)
			continue
		case <-j.work:
		}
		pause(ctx, j.cfg.SyncEvery)
		if err := j.flush(ctx, false); err != nil {
			return err
		}
		if err := j.sweep(); err != nil {
			return err
		}
		j.renewReserve()
		idle.Reset(markAfter)
	}
}

// pause waits for d or the end of ctx.
func pause(ctx context.Context, d time.Duration) {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
	case <-t.C:
	}
}

// rest is done once nothing has come for a while.
func (j *Journal) rest() error {
	if err := j.mark(); err != nil {
		return err
	}
	j.renewReserve()
	return j.sweep()
}

// flush writes the group that was collected and tells those who wait for it.
// The last one, on the way out, does not wait for room on a full disk.
func (j *Journal) flush(ctx context.Context, last bool) error {
	j.mu.Lock()
	buf, g, seg := j.buf, j.group, j.active
	if buf != nil {
		j.buf, j.group = nil, newGroup()
	}
	err := j.rotate(seg)
	j.mu.Unlock()
	if buf == nil {
		return err
	}
	if err == nil {
		err = j.commit(ctx, seg, buf, last)
	}
	g.err = err
	close(g.done)
	j.unmarked = true
	j.mu.Lock()
	defer j.mu.Unlock()
	if cap(buf) <= spareMax {
		j.spare = buf
	}
	return err
}

// rotate makes the next segment active when this one is full, old, or holds
// nothing but released sessions. Its file is made by the first write. j.mu is
// held, and the buffer is empty or handed over, so that no group spans two
// segments.
func (j *Journal) rotate(seg *segment) error {
	if seg.end == headerSize {
		return nil
	}
	young := j.now()-seg.opened < j.cfg.SegmentAge.Microseconds()
	if seg.end < j.cfg.SegmentBytes && young && !seg.useless() {
		return nil
	}
	next, err := newSegment(seg.num+1, seg.end)
	if err != nil {
		return err
	}
	next.opened = j.now()
	j.segments[next.num] = next
	j.active = next
	j.sweeping = true
	return nil
}

// commit brings buf to the disk.
func (j *Journal) commit(ctx context.Context, seg *segment, buf []byte, last bool) error {
	start := j.cfg.Clock.Now()
	if seg.file == nil {
		if err := j.createSegment(ctx, seg, last); err != nil {
			return fmt.Errorf("create journal segment: %w", err)
		}
	}
	if err := j.write(ctx, seg, buf, last); err != nil {
		return fmt.Errorf("write journal: %w", err)
	}
	if err := seg.file.Sync(); err != nil {
		return fmt.Errorf("sync journal: %w", err)
	}
	j.observe(len(buf), j.cfg.Clock.Now().Sub(start))
	return nil
}

// createSegment makes the file and syncs its header and its name before any
// record goes in: a file that is longer than a header has a whole header.
func (j *Journal) createSegment(ctx context.Context, seg *segment, last bool) error {
	header, err := seg.header(j.cfg.AEAD)
	if err != nil {
		return err
	}
	var file File
	err = j.retryFull(ctx, last, func() error {
		file, err = j.fs.Create(seg.name())
		return err
	})
	if err != nil {
		return err
	}
	j.mu.Lock()
	seg.file = file
	j.mu.Unlock()
	if err := j.write(ctx, seg, header, last); err != nil {
		return err
	}
	if err := file.Sync(); err != nil {
		return err
	}
	return j.fs.SyncDir()
}

// write writes all of buf behind what the segment has. A full disk costs the
// reserve, then time, but no record.
func (j *Journal) write(ctx context.Context, seg *segment, buf []byte, last bool) error {
	if need := seg.written + int64(len(buf)); need > seg.allocated {
		// Best effort: it keeps a full disk from showing only in the sync.
		seg.allocated = need + allocStep
		if err := seg.file.Allocate(seg.allocated); err != nil && !errors.Is(err, syscall.ENOSPC) {
			return err
		}
	}
	for len(buf) > 0 {
		err := j.retryFull(ctx, last, func() error {
			n, err := seg.file.Write(buf)
			buf = buf[n:]
			seg.written += int64(n)
			return err
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// retryFull calls f until it fails with something else than a full disk.
func (j *Journal) retryFull(ctx context.Context, last bool, f func() error) error {
	for {
		err := f()
		if !errors.Is(err, syscall.ENOSPC) {
			return err
		}
		if j.dropReserve() {
			continue
		}
		if last || ctx.Err() != nil {
			return err
		}
		j.cfg.Logger.Warn("journal waits for room on the disk")
		pause(ctx, fullRetry)
	}
}

// mark writes an empty group behind the newest one, which proves to recovery
// that the newest one was synced: damage in it is damage then, not a torn tail.
func (j *Journal) mark() error {
	j.mu.Lock()
	if j.buf != nil || !j.unmarked || len(j.order) == 0 {
		j.mu.Unlock()
		return nil
	}
	j.buf, j.spare = j.spare[:0], nil
	j.add(entry{kind: kindGroup})
	j.mu.Unlock()
	err := j.flush(context.Background(), true)
	j.unmarked = false
	return err
}

// close closes the files. Calls from now on fail with ErrClosed, or with what
// made Run fail.
func (j *Journal) close(cause error) error {
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.err = cause; cause == nil {
		j.err = capture.ErrClosed
	}
	j.group.err = j.err
	close(j.group.done)
	var errs []error
	for _, seg := range j.segments {
		if seg.file != nil {
			errs = append(errs, seg.file.Close())
		}
	}
	if j.lock != nil {
		errs = append(errs, j.lock.Close())
	}
	return errors.Join(errs...)
}
