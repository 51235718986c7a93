package record

import (
	"bytes"
	"context"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"

	"inkwitness/capture"
)

func FuzzParseEntry(f *testing.F) {
	for _, e := range []entry{
		{kind: kindGroup},
		{kind: kindOpen, id: [16]byte{1}, nonce: [32]byte{2}, payload: []byte("meta")},
		{kind: kindData, id: [16]byte{1}, stream: capture.StreamPen, seq: 300, arrived: 1 << 40, payload: []byte("batch")},
		{kind: kindFinish, id: [16]byte{1}, stream: capture.StreamAudio, head: capture.Head{Next: 7}},
		{kind: kindRelease, id: [16]byte{1}},
	} {
		f.Add(e.append(nil))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		e, err := parseEntry(b)
		if err != nil {
			return
		}
		again, err := parseEntry(e.append(nil))
		if err != nil || !bytes.Equal(again.append(nil), e.append(nil)) {
			t.Errorf("%+v became %+v, %v", e, again, err)
		}
	})
}

// FuzzRecover overwrites a part of a real segment. Whatever it finds, recovery
// must come to an end without a panic, and hand out only what was appended.
func FuzzRecover(f *testing.F) {
	disk := vfs.NewCrashableMem()
	cfg := testConfig(f, "")
	cfg.FS, cfg.Logger = memFS{disk, nil}, nil
	j, stop := start(f, cfg)
	s := newSession(f, j, 1)
	send(f, s, 0, 10)
	stop()
	name := (&segment{num: 1}).name()
	f.Add(uint16(0), []byte("INKWJRN1"))
	f.Add(uint16(headerSize), []byte{0, 0, 0, 0})
	f.Add(uint16(500), []byte("INKR\x00\x00\x00\x20aaaa"))
	f.Add(uint16(65535), []byte("INKR\xff\xff\xff\xff\xff\xff\xff\xff"))
	f.Fuzz(func(t *testing.T, at uint16, patch []byte) {
		rotten := disk.CrashClone(vfs.CrashCloneCfg{})
		data, err := rotten.UnsafeGetFileDataBuffer(name)
		if err != nil {
			t.Fatal(err)
		}
		if int(at) < len(data) {
			copy(data[at:], patch)
		} else {
			appendTo(t, rotten, name, data, patch)
		}
		cfg := testConfig(t, "")
		cfg.FS, cfg.Logger = memFS{rotten, nil}, nil
		j, err := Open(cfg)
		if err != nil {
			return
		}
		intact(t, j, 1, 10)
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if err := j.Run(ctx); err != nil {
			t.Error(err)
		}
	})
}

// appendTo replaces a file by its data and more.
func appendTo(t *testing.T, disk *vfs.MemFS, name string, data, more []byte) {
	t.Helper()
	whole := bytes.Join([][]byte{data, more}, nil)
	if err := disk.Remove(name); err != nil {
		t.Fatal(err)
	}
	file, err := (memFS{disk, nil}).Create(name)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := file.Write(whole); err != nil {
		t.Fatal(err)
	}
}
