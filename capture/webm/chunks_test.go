package webm

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"io"
	"iter"
	"os"
	"reflect"
	"testing"

	"inkwitness/capture"
	"inkwitness/capture/media"

	"pgregory.net/rapid"
)

// cut makes a file into the records of a segment, in chunks of the given sizes.
func cut(file []byte, segment uint32, sizes ...int) []media.Record {
	records := []media.Record{media.Segment{Number: segment, Reason: media.Fallback}}
	for i := 0; len(file) > 0; i++ {
		n := min(len(file), sizes[i%len(sizes)])
		records = append(records, media.Chunk{Segment: segment, Sent: int64(i), Arrival: int64(i) * 250_000, Data: file[:n]})
		file = file[n:]
	}
	return records
}

func collect(t testing.TB, s Source) []media.Record {
	t.Helper()
	var all []media.Record
	for r, err := range s() {
		if err != nil {
			t.Fatal(err)
		}
		if f, ok := r.(media.Frame); ok {
			f.Data = bytes.Clone(f.Data)
			r = f
		}
		all = append(all, r)
	}
	return all
}

func frames(records []media.Record) (out []media.Frame) {
	for _, r := range records {
		if f, ok := r.(media.Frame); ok {
			out = append(out, f)
		}
	}
	return out
}

func recorderFile(t testing.TB) []byte {
	t.Helper()
	b, err := os.ReadFile("testdata/recorder.webm")
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func TestChromiumsRecorderIsRead(t *testing.T) {
	v, a := Tracks(source(cut(recorderFile(t), 3, 1900)), nil)
	video, audio := frames(collect(t, v)), frames(collect(t, a))
	// ffprobe -count_frames: 33 pictures, 36 packets of sound.
	if len(video) != 33 || len(audio) != 36 || !video[0].Key || video[1].Key || video[0].Segment != 3 {
		t.Fatalf("%d pictures, %d packets of sound, want 33 and 36", len(video), len(audio))
	}
	var out bytes.Buffer
	res, err := Write(&out, Config{Video: v, Audio: a, Time: func(f media.Frame) int64 { return f.RTP * 1000 }})
	if err != nil || res.Width != 320 {
		t.Fatalf("%+v, %v", res, err)
	}
	if p := probe(t, out.Bytes()); p.Streams[0].Frames != "33" || p.Streams[1].Frames != "36" {
		t.Errorf("streams %+v, want 33 and 36 frames", p.Streams)
	}
}

// TestAnyChunks: however the recorder's output is cut, the same frames come out;
// and what Write wrote is read back as it was.
func TestAnyChunks(t *testing.T) {
	var own bytes.Buffer
	want := Config{Video: source(clip(t, media.VP8, 0, 0)), Audio: source(tone(t, 0, 0)), Time: arrival}
	if _, err := Write(&own, want); err != nil {
		t.Fatal(err)
	}
	rapid.Check(t, func(t *rapid.T) {
		sizes := rapid.SliceOfN(rapid.IntRange(1, 5000), 1, 20).Draw(t, "sizes")
		v, a := Tracks(source(cut(own.Bytes(), 0, sizes...)), nil)
		var again bytes.Buffer
		if _, err := Write(&again, Config{Video: v, Audio: a, Time: func(f media.Frame) int64 { return f.RTP * 1000 }}); err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(again.Bytes(), own.Bytes()) {
			t.Fatal("read and written again, the file differs")
		}
	})
}

func TestRTPAndChunksInOneRecording(t *testing.T) {
	video := append(append(clip(t, media.VP8, 0, 0), cut(recorderFile(t), 4, 999)...), clip(t, media.VP8, 9, 20_000_000)...)
	audio := append(append(tone(t, 0, 0), media.Segment{Number: 4, Reason: media.Fallback}), tone(t, 9, 20_000_000)...)
	v, a := Tracks(source(video), source(audio))
	var order []uint32
	for _, f := range frames(collect(t, a)) {
		if n := len(order); n == 0 || order[n-1] != f.Segment {
			order = append(order, f.Segment)
		}
	}
	if !reflect.DeepEqual(order, []uint32{0, 4, 9}) {
		t.Errorf("sound of segments %v, want 0, 4, 9", order)
	}
	if n := len(frames(collect(t, v))); n != 75+33+75 {
		t.Errorf("%d pictures, want %d", n, 75+33+75)
	}
}

func TestABrokenSegmentKeepsWhatIsGood(t *testing.T) {
	file := recorderFile(t)
	torn := file[:len(file)/2]
	spoilt := append(bytes.Clone(torn), 0, 0, 0, 0, 0, 0, 0, 0)
	for name, b := range map[string][]byte{"torn": torn, "spoilt": spoilt} {
		t.Run(name, func(t *testing.T) {
			records := append(cut(b, 0, 700), cut(file, 5, 700)...)
			v, _ := Tracks(source(records), nil)
			got := frames(collect(t, v))
			if n := len(got); n < 33+14 || n > 33+20 {
				t.Errorf("%d pictures, want all 33 of the second segment and about half of the first", n)
			}
		})
	}
	broken := func() iter.Seq2[media.Record, error] {
		return func(yield func(media.Record, error) bool) { yield(nil, capture.ErrMalformed) }
	}
	v, a := Tracks(broken, broken)
	if _, err := Write(io.Discard, Config{Video: v, Audio: a, Time: arrival}); !errors.Is(err, capture.ErrMalformed) {
		t.Errorf("a broken source: %v, want its error", err)
	}
}

// FuzzReader: no file panics or is held beyond the limit, and how it is cut
// makes no difference.
func FuzzReader(f *testing.F) {
	file := recorderFile(f)
	f.Add(file[:3000], uint16(100))
	f.Add(file[:400], uint16(1))
	f.Fuzz(func(t *testing.T, file []byte, size uint16) {
		v, a := Tracks(source(cut(file, 0, max(1, int(size)))), nil)
		whole, _ := Tracks(source(cut(file, 0, max(1, len(file)))), nil)
		one, two := frames(collect(t, v)), frames(collect(t, whole))
		for i := range two {
			two[i].Arrival = 0
		}
		for i := range one {
			one[i].Arrival = 0
		}
		if !reflect.DeepEqual(one, two) {
			t.Errorf("%d frames in chunks of %d, %d in one", len(one), size, len(two))
		}
		frames(collect(t, a))
	})
}

// journal is a Sink in memory.
type journal struct{ payloads map[capture.Stream][][]byte }

func (j *journal) Now() int64 { return 42 }

func (j *journal) Head(s capture.Stream) capture.Head {
	return capture.Head{Next: uint64(len(j.payloads[s]))}
}

func (j *journal) Append(_ context.Context, s capture.Stream, seq uint64, _ int64, payload []byte) (capture.Pending, error) {
	if seq != uint64(len(j.payloads[s])) {
		return nil, capture.ErrGap
	}
	j.payloads[s] = append(j.payloads[s], bytes.Clone(payload))
	return pending{j.Head(s)}, nil
}

func (j *journal) Durable(_ context.Context, s capture.Stream) (capture.Head, error) {
	return j.Head(s), nil
}

func (j *journal) Payload(_ context.Context, s capture.Stream, seq uint64) ([]byte, error) {
	if seq >= uint64(len(j.payloads[s])) {
		return nil, capture.ErrNotFound
	}
	return j.payloads[s][seq], nil
}

type pending struct{ head capture.Head }

func (p pending) Wait(context.Context) (capture.Head, error) { return p.head, nil }

func (j *journal) source(s capture.Stream) Source {
	return func() iter.Seq2[media.Record, error] {
		return func(yield func(media.Record, error) bool) {
			for _, p := range j.payloads[s] {
				for r, err := range media.Records(p) {
					if !yield(r, err) {
						return
					}
				}
			}
		}
	}
}

var nonce = [32]byte{7, 8, 9}

// chunkMessage is what a page sends.
func chunkMessage(seq uint64, first bool, data []byte) []byte {
	b := []byte{typeChunk, 0}
	if first {
		b[1] = flagFirst
		b = append(b, nonce[:]...)
	}
	b = binary.AppendUvarint(binary.AppendUvarint(b, seq), seq*250_000)
	return append(b, data...)
}

// send takes a file in, in chunks of size bytes from seq on, and returns the
// next number.
func send(t *testing.T, in *Intake, seq uint64, file []byte, size int, first bool) uint64 {
	t.Helper()
	for ; len(file) > 0; seq++ {
		n := min(size, len(file))
		p, err := in.Take(t.Context(), chunkMessage(seq, first, file[:n]))
		if err != nil {
			t.Fatal(err)
		}
		head, err := p.Wait(t.Context())
		if want := binary.AppendUvarint([]byte{0x82}, seq+1); err != nil || !bytes.Equal(Ack(head), want) {
			t.Errorf("ACK = % x, %v after chunk %d", Ack(head), err, seq)
		}
		file, first = file[n:], false
	}
	return seq
}

func TestIntake(t *testing.T) {
	j := &journal{payloads: map[capture.Stream][][]byte{capture.StreamAudio: {media.Append(nil, media.Segment{Reason: media.Started})}}}
	in := NewIntake(j, nonce, 1<<20)
	if got, err := in.Welcome(t.Context()); err != nil || !bytes.Equal(got, append(append([]byte{0x81}, nonce[:]...), 0)) {
		t.Errorf("WELCOME = % x, %v", got, err)
	}
	file := recorderFile(t)
	next := send(t, in, 0, file[:5000], 1000, true)
	double := chunkMessage(3, false, file[3000:4000])
	if p, err := in.Take(t.Context(), double); err != nil || p == nil {
		t.Errorf("a double: %v, %v", p, err)
	}
	double[len(double)-1] ^= 1
	if _, err := in.Take(t.Context(), double); !errors.Is(err, capture.ErrConflict) {
		t.Errorf("other bytes for a known number: %v, want ErrConflict", err)
	}
	// Another connection, after a cut or a restart, goes on with the recorder.
	next = send(t, NewIntake(j, nonce, 1<<20), next, file[5000:], 1000, false)
	// Another page begins another recorder.
	in = NewIntake(j, nonce, 1<<20)
	next = send(t, in, next, file, len(file), true)
	if _, err := in.Take(t.Context(), append([]byte{typeEnd}, byte(next))); err != nil {
		t.Errorf("END: %v", err)
	}
	v, a := Tracks(j.source(capture.StreamVideo), j.source(capture.StreamAudio))
	video := frames(collect(t, v))
	if len(video) != 66 || video[0].Segment != 1 || video[32].Segment != 1 || video[65].Segment <= video[0].Segment {
		t.Errorf("%d pictures, segments %d to %d", len(video), video[0].Segment, video[len(video)-1].Segment)
	}
	if n := len(frames(collect(t, a))); n != 72 {
		t.Errorf("%d packets of sound, want 72", n)
	}
}

// TestAfterWebRTCARecorderBegins: a chunk cannot go on with what came by RTP.
func TestAfterWebRTCARecorderBegins(t *testing.T) {
	j := &journal{payloads: map[capture.Stream][][]byte{capture.StreamVideo: {media.Append(nil, media.Segment{Reason: media.Started})}}}
	in := NewIntake(j, nonce, 1<<20)
	if _, err := in.Take(t.Context(), chunkMessage(1, false, []byte{1})); !errors.Is(err, capture.ErrConflict) {
		t.Errorf("a chunk without its recorder: %v, want ErrConflict", err)
	}
	send(t, in, 1, recorderFile(t), 1000, true)
}

func TestIntakeRefuses(t *testing.T) {
	tests := []struct {
		name string
		msg  []byte
		want error
	}{
		{"empty", nil, capture.ErrMalformed},
		{"too long", chunkMessage(0, true, make([]byte, MaxMessage)), capture.ErrMalformed},
		{"unknown type", []byte{9, 0}, capture.ErrMalformed},
		{"unknown flag", []byte{typeChunk, 2, 0, 0, 1}, capture.ErrMalformed},
		{"no data", chunkMessage(0, true, nil), capture.ErrMalformed},
		{"number not in its shortest form", []byte{typeChunk, 0, 0x80, 0, 0, 1}, capture.ErrMalformed},
		{"bytes after END", []byte{typeEnd, 0, 0}, capture.ErrMalformed},
		{"gap", chunkMessage(1, true, []byte{1}), capture.ErrGap},
		{"END of another number", []byte{typeEnd, 1}, capture.ErrGap},
		{"not the first of a recorder", chunkMessage(0, false, []byte{1}), capture.ErrConflict},
		{"a recorder of another session", append([]byte{typeChunk, flagFirst}, make([]byte, 35)...), capture.ErrConflict},
		{"a nonce cut short", append([]byte{typeChunk, flagFirst}, make([]byte, 31)...), capture.ErrMalformed},
		{"over the limit", chunkMessage(0, true, make([]byte, 101)), capture.ErrLimit},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			j := &journal{payloads: map[capture.Stream][][]byte{}}
			if _, err := NewIntake(j, nonce, 100).Take(t.Context(), test.msg); !errors.Is(err, test.want) {
				t.Errorf("Take: %v, want %v", err, test.want)
			}
			if len(j.payloads) > 0 {
				t.Error("something was recorded")
			}
		})
	}
}
