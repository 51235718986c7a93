package ink

import (
	"bytes"
	"crypto/ed25519"
	"errors"
	"math"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"inkwitness/capture"
)

// anyPoint draws points over the whole range of every field.
var anyPoint = rapid.Custom(func(t *rapid.T) capture.Point {
	return capture.Point{
		Time:     rapid.Int64Range(0, maxTime).Draw(t, "time"),
		X:        rapid.Int32().Draw(t, "x"),
		Y:        rapid.Int32().Draw(t, "y"),
		Pressure: rapid.Uint16().Draw(t, "pressure"),
		TiltX:    rapid.Int16Range(-9000, 9000).Draw(t, "tilt x"),
		TiltY:    rapid.Int16Range(-9000, 9000).Draw(t, "tilt y"),
		Twist:    rapid.Uint16Range(0, 35999).Draw(t, "twist"),
		Down:     rapid.Bool().Draw(t, "down"),
		Start:    rapid.Bool().Draw(t, "start"),
	}
})

func TestBatchesComeBack(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		want := Batch{
			Seq:    rapid.Uint64Range(0, maxInteger).Draw(t, "seq"),
			Points: rapid.SliceOfN(anyPoint, 1, 40).Draw(t, "points"),
		}
		msg, err := AppendBatch(nil, want)
		if err != nil {
			t.Fatal(err)
		}
		got, err := ParseBatch(msg)
		if err != nil || got.Seq != want.Seq || !slices.Equal(got.Points, want.Points) {
			t.Fatalf("got %+v, %v, want %+v", got, err, want)
		}
	})
}

func TestWhatCannotBeCodedIsRefused(t *testing.T) {
	ok := capture.Point{Time: 1}
	tests := []struct {
		name  string
		batch Batch
	}{
		{"no points", Batch{}},
		{"513 points", Batch{Points: make([]capture.Point, 513)}},
		{"a time below 0", Batch{Points: []capture.Point{{Time: -1}}}},
		{"a time beyond JavaScript", Batch{Points: []capture.Point{{Time: maxTime + 1}}}},
		{"a tilt of 91 degrees", Batch{Points: []capture.Point{ok, {TiltY: 9100}}}},
		{"a twist of 360 degrees", Batch{Points: []capture.Point{{Twist: 36000}}}},
		{"a sequence number beyond JavaScript", Batch{Seq: maxInteger + 1, Points: []capture.Point{ok}}},
	}
	for _, test := range tests {
		if _, err := AppendBatch(nil, test.batch); !errors.Is(err, capture.ErrMalformed) {
			t.Errorf("%s: %v, want ErrMalformed", test.name, err)
		}
	}
}

func TestTheLargestBatchFits(t *testing.T) {
	want := Batch{Seq: maxInteger, Points: zigzag(MaxPoints)}
	msg, err := AppendBatch(nil, want)
	if err != nil || len(msg) > MaxMessage {
		t.Fatalf("%d bytes, %v", len(msg), err)
	}
	if got, err := ParseBatch(msg); err != nil || !slices.Equal(got.Points, want.Points) {
		t.Errorf("it does not come back: %v", err)
	}
}

// zigzag returns points as far apart as can be, which code as long as can be.
func zigzag(n int) []capture.Point {
	points := make([]capture.Point, n)
	for i := range points {
		if i%2 == 0 {
			points[i] = capture.Point{Time: maxTime, X: math.MaxInt32, Y: math.MaxInt32, Pressure: 65535, TiltX: 9000, TiltY: 9000, Twist: 35999}
		} else {
			points[i] = capture.Point{X: math.MinInt32, Y: math.MinInt32, TiltX: -9000, TiltY: -9000}
		}
	}
	return points
}

func TestMessagesComeBack(t *testing.T) {
	head := capture.Head{Next: 1 << 40, Hash: [32]byte{1, 2, 3}}
	welcome := Welcome{Nonce: [32]byte{9}, Head: head}
	if got, err := ParseWelcome(welcome.Append(nil)); err != nil || got != welcome {
		t.Errorf("WELCOME: %+v, %v", got, err)
	}
	if got, err := ParseAck(AppendAck(nil, head)); err != nil || got != head {
		t.Errorf("ACK: %+v, %v", got, err)
	}
	if got, err := ParseFinish(AppendFinish(nil, head)); err != nil || got != head {
		t.Errorf("FINISH: %+v, %v", got, err)
	}
	for _, ping := range []Ping{{ClientSend: 7}, {ClientSend: 9, LastSend: 7, LastReceive: 8}} {
		if got, err := ParsePing(ping.Append(nil)); err != nil || got != ping {
			t.Errorf("PING: %+v, %v", got, err)
		}
	}
	pong := Pong{ClientSend: 1, ServerReceive: 2, ServerSend: 3}
	if got, err := ParsePong(pong.Append(nil)); err != nil || got != pong {
		t.Errorf("PONG: %+v, %v", got, err)
	}
	facts := capture.PenFacts{Pointer: capture.Touch, HasTwist: true, HasHover: true, PixelRatio: 3, Events: 4, Samples: 5}
	msg, err := AppendDevice(nil, facts)
	if got, err2 := ParseDevice(msg); err != nil || err2 != nil || got != facts {
		t.Errorf("DEVICE: %+v, %v, %v", got, err, err2)
	}
	receipt := Receipt{Head: head, Signature: [64]byte{5}}
	if got, err := ParseReceipt(receipt.Append(nil)); err != nil || got != receipt {
		t.Errorf("RECEIPT: %+v, %v", got, err)
	}
}

func TestOneByteOfAReceiptMatters(t *testing.T) {
	key := ed25519.NewKeyFromSeed(make([]byte, 32))
	public := key.Public().(ed25519.PublicKey)
	id, nonce := capture.NewSessionID([16]byte{1}), [32]byte{2}
	good, err := SignReceipt(key, id, nonce, capture.Head{Next: 5, Hash: [32]byte{3}})
	if err != nil {
		t.Fatal(err)
	}
	if !good.Verify(public, id, nonce) {
		t.Fatal("a good receipt does not verify")
	}
	bad := []Receipt{good, good, good}
	bad[0].Head.Next++
	bad[1].Head.Hash[31] ^= 1
	bad[2].Signature[0] ^= 1
	for i, r := range bad {
		if r.Verify(public, id, nonce) {
			t.Errorf("forgery %d verifies", i)
		}
	}
	if good.Verify(public, capture.NewSessionID([16]byte{9}), nonce) || good.Verify(public, id, [32]byte{9}) || good.Verify(nil, id, nonce) {
		t.Error("a receipt verifies for another session, nonce or key")
	}
}

// FuzzMessages gives bytes to every parser. What parses must come back the same.
func FuzzMessages(f *testing.F) {
	for _, b := range vectorBatches {
		msg, err := AppendBatch(nil, b.batch())
		if err != nil {
			f.Fatal(err)
		}
		f.Add(msg)
	}
	f.Add(Welcome{}.Append(nil))
	f.Add(AppendAck(nil, capture.Head{Next: 300}))
	f.Add(AppendFinish(nil, capture.Head{}))
	f.Add(Ping{ClientSend: 1, LastSend: 1, LastReceive: 2}.Append(nil))
	f.Add(Pong{1, 2, 3}.Append(nil))
	f.Add(Receipt{}.Append(nil))
	f.Add([]byte{typeDevice, 1, 31, 1, 2, 3})
	f.Fuzz(func(t *testing.T, msg []byte) {
		if again, err := reparse(msg); err == nil && !bytes.Equal(again, msg) {
			t.Errorf("%x became %x", msg, again)
		}
	})
}

// reparse parses msg and codes it again. Of a batch, which may say the same in
// several ways, the points must survive.
func reparse(msg []byte) ([]byte, error) {
	switch KindOf(msg) {
	case KindBatch:
		return rebatch(msg)
	case KindPing:
		m, err := ParsePing(msg)
		return m.Append(nil), err
	case KindFinish:
		m, err := ParseFinish(msg)
		return AppendFinish(nil, m), err
	case KindDevice:
		m, err := ParseDevice(msg)
		if err != nil {
			return nil, err
		}
		return AppendDevice(nil, m)
	case KindWelcome:
		m, err := ParseWelcome(msg)
		return m.Append(nil), err
	case KindAck:
		m, err := ParseAck(msg)
		return AppendAck(nil, m), err
	case KindPong:
		m, err := ParsePong(msg)
		return m.Append(nil), err
	case KindReceipt:
		m, err := ParseReceipt(msg)
		return m.Append(nil), err
	}
	return nil, capture.ErrMalformed
}

func rebatch(msg []byte) ([]byte, error) {
	first, err := ParseBatch(msg)
	if err != nil {
		return nil, err
	}
	short, err := AppendBatch(nil, first)
	if err != nil {
		return []byte("what was parsed cannot be coded"), nil
	}
	second, err := ParseBatch(short)
	if err != nil || second.Seq != first.Seq || !slices.Equal(first.Points, second.Points) {
		return short, nil
	}
	return msg, nil
}

func BenchmarkParseBatch(b *testing.B) {
	points := make([]capture.Point, 12)
	for i := range points {
		points[i] = capture.Point{Time: 1e9 + int64(i)*4167, X: int32(1000 + 13*i), Y: int32(500 - 7*i), Pressure: uint16(30000 + 99*i), TiltX: int16(3000 + 100*(i/4)), TiltY: -4000, Down: true}
	}
	msg, err := AppendBatch(nil, Batch{Points: points})
	if err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		if _, err := ParseBatch(msg); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(len(msg))/float64(len(points)), "bytes/point")
}
