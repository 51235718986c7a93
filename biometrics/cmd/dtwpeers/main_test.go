package main

import (
	"bytes"
	"context"
	"strings"
	"testing"
)

func TestTable(t *testing.T) {
	all := []measured{{scalarName(), 7, 4, 10}, {fastName(), 7, 0.4, 10.0001}, {"peer", 7, 40, 10}}
	var b bytes.Buffer
	if err := table(&b, 400, all); err != nil || !strings.Contains(b.String(), "0.10\n") || !strings.Contains(b.String(), "peer                            7     40.00            10.00\n") {
		t.Errorf("%v\n%s", err, b.String())
	}
	all[2].Distance = 11
	if err := table(&b, 400, all); err == nil || !strings.Contains(err.Error(), "peer finds the distance 11") {
		t.Errorf("another distance: %v", err)
	}
}

func TestOursAgree(t *testing.T) {
	ms, err := (&cli{Length: 50, Rounds: 1}).ours()
	if err != nil || len(ms) != 6 {
		t.Fatalf("%+v, %v", ms, err)
	}
	if err := table(&bytes.Buffer{}, 50, ms); err != nil {
		t.Error(err)
	}
}

func TestRefusals(t *testing.T) {
	if _, err := parse([]byte("{\"name\":\"x\"}\n")); err == nil {
		t.Error("a line without a time is accepted")
	}
	if err := (&cli{Length: 1, Rounds: 1}).run(context.Background(), &bytes.Buffer{}); err == nil {
		t.Error("one point is accepted")
	}
	c := &cli{Length: 10, Rounds: 1, NPM: t.TempDir()}
	if err := c.run(context.Background(), &bytes.Buffer{}); err == nil || !strings.Contains(err.Error(), "npm ci") {
		t.Errorf("peers that are not there: %v", err)
	}
}
