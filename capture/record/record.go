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
	"context"
	"crypto/cipher"
	"iter"
	"log/slog"
	"time"

	"inkwitness/capture"
)

// Config says where and how a journal is kept. Dir, AEAD and Clock are
// required; the zero value of every other field is a safe default.
type Config struct {
	Dir    string        // owned by one journal at a time
	AEAD   cipher.AEAD   // wraps the key of each segment; 12-byte nonce, AES-256-GCM or alike
	Clock  capture.Clock // dates sessions and gives the session clock
	Logger *slog.Logger  // nil discards

	SyncEvery    time.Duration // longest wait for an fsync that others can share; 25 ms
	SegmentBytes int64         // a segment is closed once it is this large; 64 MiB
	ReserveBytes int64         // kept aside for running sessions when the disk fills up; 64 MiB
	MinFree      float64       // share of the disk below which no new session starts; 0.10
	MaxPayload   int           // bytes of one record; 1 MiB
	MaxSession   int64         // bytes of one session; 512 MiB
}

// Journal is the one store of all sessions that run in this process. Its
// methods may be called from many goroutines.
type Journal struct{}

// Open reads what a process before left in cfg.Dir and prepares to go on. A
// torn tail of the newest segment is dropped; any other damage is an error.
func Open(cfg Config) (*Journal, error) { panic("record: not built yet") }

// Run writes groups of records until ctx ends, then writes what is pending and
// returns nil. An error is fatal for the process: after a failed fsync nobody
// can know what is on the disk, so it is never tried again, and every later
// call fails with the same error.
func (j *Journal) Run(ctx context.Context) error { panic("record: not built yet") }

// NewSession starts a session and returns when it is on disk. The nonce is
// bound into the first head of every stream. meta is kept as it is. A known id
// is capture.ErrConflict, a full disk capture.ErrDiskFull.
func (j *Journal) NewSession(ctx context.Context, id capture.SessionID, nonce [32]byte, meta []byte) (*Session, error) {
	panic("record: not built yet")
}

// Session returns a session that was not released, or capture.ErrNotFound.
func (j *Journal) Session(id capture.SessionID) (*Session, error) { panic("record: not built yet") }

// Sessions lists the sessions that were not released, oldest first.
func (j *Journal) Sessions() []capture.SessionID { panic("record: not built yet") }

// Release forgets a session, once its content is stored elsewhere or given up.
// When it returns the session stays forgotten across crashes. Its bytes are
// deleted with the last session that shares their segments.
func (j *Journal) Release(ctx context.Context, id capture.SessionID) error {
	panic("record: not built yet")
}

// Session is one capture: up to four streams that share an id, a nonce and a
// clock. Its methods may be called from many goroutines; records of one stream
// keep the order of their sequence numbers.
type Session struct{}

// ID returns the session's name.
func (s *Session) ID() capture.SessionID { panic("record: not built yet") }

// Nonce returns the random number that binds the streams to this session.
func (s *Session) Nonce() [32]byte { panic("record: not built yet") }

// Meta returns what NewSession was given.
func (s *Session) Meta() []byte { panic("record: not built yet") }

// Epoch is the wall time of 0 on the session clock.
func (s *Session) Epoch() time.Time { panic("record: not built yet") }

// Now is the session clock: µs since Epoch, monotonic within a process. After a
// restart it goes on from the wall clock, never before the last record.
func (s *Session) Now() int64 { panic("record: not built yet") }

// AppendPen takes a whole BATCH message as it came. A message that is there
// already, byte for byte, is not written again; its Pending waits for the
// stream as it stands. Errors: capture.ErrMalformed, ErrGap (a number was
// skipped), ErrConflict (other bytes for a known number), ErrFinished, ErrLimit.
// It blocks while too much is waiting for the disk.
func (s *Session) AppendPen(ctx context.Context, msg []byte, arrived int64) (capture.Pending, error) {
	panic("record: not built yet")
}

// Append takes one record of StreamVideo or StreamAudio. seq must be the
// stream's Head.Next: less is ErrConflict, more is ErrGap. arrived is µs on the
// session clock. payload is copied. It blocks while too much is waiting for the
// disk.
func (s *Session) Append(ctx context.Context, stream capture.Stream, seq uint64, arrived int64, payload []byte) (capture.Pending, error) {
	panic("record: not built yet")
}

// Note takes one record of StreamControl, a JSON object with a "kind" (see
// capture.Control), numbered and timed by the session itself.
func (s *Session) Note(ctx context.Context, payload []byte) (capture.Pending, error) {
	panic("record: not built yet")
}

// Head returns where a stream stands, whether on disk yet or not. Media resume
// from it.
func (s *Session) Head(stream capture.Stream) capture.Head { panic("record: not built yet") }

// Durable waits until all that the stream has is on disk and returns its head.
func (s *Session) Durable(ctx context.Context, stream capture.Stream) (capture.Head, error) {
	panic("record: not built yet")
}

// FinishStream ends one stream: later records are capture.ErrFinished. It
// returns when that is on disk. Finishing again returns the same head.
func (s *Session) FinishStream(ctx context.Context, stream capture.Stream) (capture.Head, error) {
	panic("record: not built yet")
}

// Finish ends every stream; the session is immutable from then on. Finishing
// again does nothing.
func (s *Session) Finish(ctx context.Context) error { panic("record: not built yet") }

// Finished tells whether a stream was finished.
func (s *Session) Finished(stream capture.Stream) bool { panic("record: not built yet") }

// Recording returns a reader of what is on disk at this moment. It works on a
// finished session and on one that still runs or was recovered.
func (s *Session) Recording(ctx context.Context) (*Recording, error) {
	panic("record: not built yet")
}

// Frame is one record as it was appended.
type Frame struct {
	Stream  capture.Stream
	Seq     uint64
	Arrived int64 // µs on the session clock
	Payload []byte
}

// Recording reads one session. Every read checks the seal of each record and
// the hash chain of its stream.
type Recording struct{}

// ID, Nonce, Meta and Epoch are those of the session.
func (r *Recording) ID() capture.SessionID { panic("record: not built yet") }

// Nonce returns the session's nonce.
func (r *Recording) Nonce() [32]byte { panic("record: not built yet") }

// Meta returns what NewSession was given.
func (r *Recording) Meta() []byte { panic("record: not built yet") }

// Epoch is the wall time of 0 on the session clock.
func (r *Recording) Epoch() time.Time { panic("record: not built yet") }

// Heads returns the head of each stream that has records, as of this recording.
func (r *Recording) Heads() map[capture.Stream]capture.Head { panic("record: not built yet") }

// Frames yields the records of a stream in order: BATCH messages as the client
// sent them for StreamPen. After an error it stops. Payload is valid until the
// next step.
func (r *Recording) Frames(stream capture.Stream) iter.Seq2[Frame, error] {
	panic("record: not built yet")
}

// Pen returns all sample points in the order sent, exactly as sent: Time in µs
// on the page's clock, positions in 1/100 CSS pixel.
func (r *Recording) Pen() ([]capture.Point, error) { panic("record: not built yet") }
