package witness_test

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"

	"inkwitness/evidence/evidencetest"
	"inkwitness/evidence/ledger"
)

// published is the newest checkpoint of a log with n entries named after name.
func published(t *testing.T, l *ledger.Log, s *evidencetest.LogStore, name string, n int) []byte {
	t.Helper()
	if err := add(t, l, s, name, n); err != nil {
		t.Fatal(err)
	}
	c, err := l.Checkpoint(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// Whoever submits a checkpoint, it is kept with the log's signatures alone, and
// submitted again it costs the disk nothing.
func TestCheckpointIsKeptOnce(t *testing.T) {
	keys, _ := evidencetest.Keys()
	l, s := newLog(t, keys, nil)
	dir := t.TempDir()
	w, _ := newWitness(t, "a.example/w", dir, l.Keys())
	note := published(t, l, s, "n", 2)
	stranger := append(bytes.Clone(note), "\u2014 stranger.example AAAAAAAA\n"...)
	if a, err := w.Add(ledger.AddCheckpoint(0, nil, stranger)); a.Status != 200 {
		t.Fatalf("status %d, %v", a.Status, err)
	}
	if last, ok := w.Last(l.Origin()); !ok || !bytes.Equal(last, note) {
		t.Errorf("kept:\n%s", last)
	}
	file := func() os.FileInfo {
		all, err := filepath.Glob(filepath.Join(dir, "*.checkpoint"))
		if err != nil || len(all) != 1 {
			t.Fatalf("kept in %v, %v", all, err)
		}
		info, err := os.Stat(all[0])
		if err != nil {
			t.Fatal(err)
		}
		return info
	}
	before := file()
	if a, err := w.Add(ledger.AddCheckpoint(2, nil, note)); a.Status != 200 {
		t.Errorf("again: status %d, %v", a.Status, err)
	}
	if !os.SameFile(before, file()) {
		t.Error("what was stored already was stored again")
	}
	again, _ := newWitness(t, "a.example/w", dir, l.Keys()) // which does not know that it is on the disk
	if a, err := again.Add(ledger.AddCheckpoint(2, nil, note)); a.Status != 200 || os.SameFile(before, file()) {
		t.Errorf("after a restart: status %d, %v", a.Status, err)
	}
}

// Two trees of one size, both signed by the log, prove that it forked. The witness
// keeps the first other one beside the one that it confirmed.
func TestForkIsKept(t *testing.T) {
	keys, _ := evidencetest.Keys()
	honest, hs := newLog(t, keys, nil)
	dir := t.TempDir()
	w, _ := newWitness(t, "a.example/w", dir, honest.Keys())
	if a, err := w.Add(ledger.AddCheckpoint(0, nil, published(t, honest, hs, "n", 2))); a.Status != 200 {
		t.Fatalf("status %d, %v", a.Status, err)
	}
	var first []byte
	for _, name := range []string{"x", "y"} {
		fork, fs := newLog(t, keys, nil)
		note := published(t, fork, fs, name, 2)
		if first == nil {
			first = note
		}
		if a, err := w.Add(ledger.AddCheckpoint(2, nil, note)); a.Status != 409 || err == nil {
			t.Errorf("a fork: status %d, %v", a.Status, err)
		}
	}
	all, err := filepath.Glob(filepath.Join(dir, "*.fork"))
	if err != nil || len(all) != 1 {
		t.Fatalf("kept: %v, %v", all, err)
	}
	if kept, err := os.ReadFile(all[0]); err != nil || !bytes.Equal(kept, first) {
		t.Errorf("kept: %v\n%s", err, kept)
	}
}
