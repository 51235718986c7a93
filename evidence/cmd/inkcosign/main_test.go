package main

import (
	"bufio"
	"bytes"
	"context"
	"io"
	"net"
	"strings"
	"testing"
	"time"

	"inkwitness/evidence/proof"
)

// started is a running witness, until stop.
func started(t *testing.T, dir string) (address string, stop func() int) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	r, w := io.Pipe()
	code := make(chan int, 1)
	var stderr bytes.Buffer
	go func() {
		code <- run(ctx, args(t, dir), w, &stderr)
		_ = w.Close()
	}()
	lines := bufio.NewScanner(r)
	for lines.Scan() {
		if a, ok := strings.CutPrefix(lines.Text(), "listening on "); ok {
			go func() { _, _ = io.Copy(io.Discard, r) }()
			return a, func() int { cancel(); return <-code }
		}
	}
	t.Fatalf("it ended with %d: %s", <-code, &stderr)
	return "", nil
}

func args(t *testing.T, dir string) []string {
	t.Helper()
	s, err := proof.NewSigner("log.example/log", proof.Ed25519, make([]byte, 32))
	if err != nil {
		t.Fatal(err)
	}
	return []string{"--name", "w.example/ink", "--dir", dir, "--listen", "127.0.0.1:0", "--log", s.Key.String()}
}

// Two witnesses over one folder would confirm two histories: the second does not start.
func TestOneWitnessForAFolder(t *testing.T) {
	dir := t.TempDir()
	_, stop := started(t, dir)
	var stderr bytes.Buffer
	ctx, cancel := context.WithCancel(t.Context())
	cancel() // so that it ends where it starts after all
	if code := run(ctx, args(t, dir), io.Discard, &stderr); code != 1 || !strings.Contains(stderr.String(), "in use") {
		t.Errorf("a second one over the same folder: %d, %s", code, &stderr)
	}
	var keys bytes.Buffer
	if code := run(t.Context(), append(args(t, dir), "--keys"), &keys, io.Discard); code != 0 || strings.Count(keys.String(), "w.example/ink+") != 2 {
		t.Errorf("its keys beside it: %d, %s", code, &keys)
	}
	if code := stop(); code != 0 {
		t.Errorf("stopped with %d", code)
	}
	_, stop = started(t, dir) // the folder is free again
	stop()
}

// A request that is under way when the witness is stopped is answered.
func TestStopAnswersWhatIsUnderWay(t *testing.T) {
	address, stop := started(t, t.TempDir())
	host := strings.TrimPrefix(address, "http://")
	c, err := net.Dial("tcp", host)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	send := func(text string) {
		t.Helper()
		if _, err := io.WriteString(c, text); err != nil {
			t.Fatal(err)
		}
	}
	answers := bufio.NewReader(c)
	send("POST /add-checkpoint HTTP/1.1\r\nHost: w\r\nContent-Length: 7\r\nExpect: 100-continue\r\n\r\n")
	if line, err := answers.ReadString('\n'); err != nil || !strings.Contains(line, "100 Continue") { // the body is being read
		t.Fatalf("%q, %v", line, err)
	}
	stopped := make(chan int, 1)
	go func() { stopped <- stop() }()
	for {
		more, err := net.Dial("tcp", host)
		if err != nil {
			break // it takes no more
		}
		_ = more.Close()
	}
	select {
	case <-stopped:
		t.Fatal("it ended before it had answered")
	case <-time.After(300 * time.Millisecond): // nothing else says that it does not end
	}
	send("rubbish")
	rest, err := io.ReadAll(answers)
	if err != nil || !strings.Contains(string(rest), "400 Bad Request") {
		t.Errorf("answered %q, %v", rest, err)
	}
	if code := <-stopped; code != 0 {
		t.Errorf("stopped with %d", code)
	}
}
