// Package record keeps capture sessions on disk so that nothing acknowledged is
// lost: one append-only encrypted journal per process, shared by all sessions,
// with one fsync for everything that arrived in the same 25 ms.
//
// A record is acknowledged when Pending.Wait returns nil, never before. A pen
// stream waits for it; media need not, and lose at most the last group in a
// crash. Every stream has its own sequence numbers and hash chain. After a
// restart every session that was not released is there again and goes on where
// its last durable record ended.
//
// It is not the archive: a capture that was sealed into a deposit is released,
// and its segments are deleted when all their sessions are. It runs on one
// machine and does not replicate.
package record

import (
	"crypto/cipher"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"inkwitness/capture"
)

// Config says where and how a journal is kept. Dir (or FS), AEAD and Clock are
// required; the zero value of every other field is a safe default.
type Config struct {
	Dir    string        // owned by one journal at a time
	AEAD   cipher.AEAD   // seals the key of each segment: AES-256-GCM, or alike with a nonce of 12 and a tag of 16 bytes
	Clock  capture.Clock // dates sessions and gives the session clock
	Logger *slog.Logger  // nil discards

	SyncEvery    time.Duration // how long a record may wait for others to share its fsync; 25 ms
	SegmentBytes int64         // a segment is closed once it is this large; 64 MiB
	SegmentAge   time.Duration // or this old; 10 min
	ReserveBytes int64         // kept aside for running sessions when the disk fills up; 64 MiB
	MinFree      float64       // share of the disk below which no new session starts; 0.10
	MaxPending   int           // bytes that may wait for the disk before appending blocks; 8 MiB
	MaxPayload   int           // bytes of one record; 1 MiB
	MaxSession   int64         // bytes of one session; 512 MiB

	FS   FS                      // nil is the folder Dir
	Free func() (float64, error) // share of the disk that is free; nil asks the disk of Dir
}

func (c *Config) defaults() error {
	if c.AEAD == nil || c.Clock == nil || (c.Dir == "" && c.FS == nil) {
		return errors.New("record: Dir, AEAD and Clock are required")
	}
	if c.AEAD.NonceSize() != 12 || c.AEAD.Overhead() != 16 {
		return fmt.Errorf("record: an AEAD with a nonce of %d and a tag of %d bytes", c.AEAD.NonceSize(), c.AEAD.Overhead())
	}
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	orDuration(&c.SyncEvery, 25*time.Millisecond)
	orDuration(&c.SegmentAge, 10*time.Minute)
	orInt(&c.SegmentBytes, 64<<20)
	orInt(&c.ReserveBytes, 64<<20)
	orInt(&c.MaxPending, 8<<20)
	orInt(&c.MaxPayload, 1<<20)
	orInt(&c.MaxSession, 512<<20)
	if c.MinFree == 0 {
		c.MinFree = 0.10
	}
	if c.SegmentBytes > 1<<31 {
		return errors.New("record: a segment is at most 2 GiB")
	}
	return nil
}

func orDuration(v *time.Duration, otherwise time.Duration) {
	if *v == 0 {
		*v = otherwise
	}
}

func orInt[T int | int64](v *T, otherwise T) {
	if *v == 0 {
		*v = otherwise
	}
}

// Stats are figures since Open, for metrics.
type Stats struct {
	Sessions int           // not released
	Segments int           // on disk
	Damaged  int           // damaged places found by Open
	Records  uint64        // appended
	Bytes    uint64        // written
	Groups   uint64        // written, one fsync each
	Refused  uint64        // sessions refused for want of room
	SlowSync time.Duration // the slowest group
	Reserve  bool          // the reserve is in place
}
