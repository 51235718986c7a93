package ink

import (
	"bytes"
	"crypto/ed25519"
	"encoding/hex"
	"encoding/json"
	"errors"
	"flag"
	"os"
	"strings"
	"testing"

	"inkwitness/capture"
)

var update = flag.Bool("update", false, "write testdata/vectors.json anew")

const vectorFile = "testdata/vectors.json"

// vectors is testdata/vectors.json. The TypeScript coder passes the same file.
type vectors struct {
	Comment   string        `json:"comment"`
	SessionID string        `json:"sessionID"`
	Nonce     string        `json:"nonce"`
	Seed      string        `json:"receiptSeed"` // Ed25519 seed of the test key, RFC 8032
	PublicKey string        `json:"receiptPublicKey"`
	FirstHead string        `json:"firstHead"`
	Batches   []batchVector `json:"batches"`
	Messages  []msgVector   `json:"messages"`
	Malformed []badVector   `json:"malformed"`
}

type batchVector struct {
	Name   string        `json:"name"`
	Seq    uint64        `json:"seq"`
	Points []pointVector `json:"points"`
	Bytes  string        `json:"bytes"`
	Head   string        `json:"head"` // after this batch, over all before it
}

type pointVector struct {
	T     int64  `json:"t"` // µs
	X     int32  `json:"x"` // 1/100 CSS px
	Y     int32  `json:"y"`
	P     uint16 `json:"p"`
	TiltX int16  `json:"tiltX"` // 0.01 degree
	TiltY int16  `json:"tiltY"`
	Twist uint16 `json:"twist"`
	Down  bool   `json:"down"`
	Start bool   `json:"start"`
}

type msgVector struct {
	Name   string         `json:"name"`
	Fields map[string]any `json:"fields"`
	Bytes  string         `json:"bytes"`
}

type badVector struct {
	Name  string `json:"name"`
	Bytes string `json:"bytes"`
	why   string // part of the message of the error
}

func (p pointVector) point() capture.Point {
	return capture.Point{
		Time: p.T, X: p.X, Y: p.Y, Pressure: p.P, TiltX: p.TiltX, TiltY: p.TiltY,
		Twist: p.Twist, Down: p.Down, Start: p.Start,
	}
}

// The inputs of the vectors: a key, a session and a nonce that anyone can type.
const (
	vectorID    = capture.SessionID("000102030405060708090a0b0c0d0e0f")
	vectorSeed  = "9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60" // RFC 8032, 7.1, test 1
	vectorNonce = "202122232425262728292a2b2c2d2e2f303132333435363738393a3b3c3d3e3f"
)

var vectorBatches = []batchVector{
	{Name: "a lone touch", Points: []pointVector{{T: 1, X: 1, Y: -1, P: 1, Down: true, Start: true}}},
	{Name: "a stroke with everything", Points: []pointVector{
		{T: 1234567890, X: 12345, Y: 67890, P: 32768, TiltX: 3000, TiltY: -4500, Twist: 35999, Down: true, Start: true},
		{T: 1234572057, X: 12340, Y: 67901, P: 32768, TiltX: 3000, TiltY: -4500, Twist: 35999, Down: true},
		{T: 1234576224, X: 12331, Y: 67915, P: 40000, TiltX: 3000, TiltY: -4400, Twist: 0, Down: true},
		{T: 1234580391, X: 12331, Y: 67915, TiltX: 3000, TiltY: -4400},
	}},
	{Name: "a clock that steps back", Points: []pointVector{
		{T: 5000000, X: 10, Down: true, Start: true}, {T: 4999000, X: 11, Down: true}, {T: 4999000, X: 12, Down: true},
	}},
	{Name: "the extremes", Points: []pointVector{
		{T: maxTime, X: 2147483647, Y: -2147483648, P: 65535, TiltX: -9000, TiltY: 9000, Twist: 35999, Down: true, Start: true},
		{T: 0, X: -2147483648, Y: 2147483647, TiltX: 9000, TiltY: -9000},
	}},
}

var vectorMalformed = []badVector{
	{"empty", "", "type is missing"},
	{"type only", "01", "sequence number is not"},
	{"no points", "010000", "0 points"},
	{"a point too few", "01000201020202", "2 points do not fit"},
	{"a byte too many", "0100010102020200", "1 bytes too many"},
	{"an unknown type", "0500010102020200", "type 0x05"},
	{"an unknown flag", "01000121020202", "flags 0x21"},
	{"a number not in its shortest form", "0180000101020202", "shortest"},
	{"a number of more than 53 bits", "01808080808080808010" + "0101020202", "sequence number is out of range"},
	{"a number that does not end", "01ffffffffffffffffffff0101020202", "not a varint"},
	{"513 points", "01008104" + strings.Repeat("01020202", 513), "513 points"},
	{"a time below 0", "01000101010202", "time is out"},
	{"a pressure over 65535", "010001050202028080" + "08", "pressure is out"},
	{"a pressure below 0", "0100010502020201", "pressure is out"},
	{"a tilt over 90 degrees", "01000109020202d28c0100", "tilt x is out"},
	{"a twist of 360 degrees", "01000111020202c0b204", "twist is out"},
	{"an x over 32 bits", "010001010280808080" + "2002", "x is out"},
}

func unhex(t *testing.T, s string) []byte {
	t.Helper()
	b, err := hex.DecodeString(s)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// makeVectors computes the file from the inputs above.
func makeVectors(t *testing.T) vectors {
	key := ed25519.NewKeyFromSeed(unhex(t, vectorSeed))
	nonce := [32]byte(unhex(t, vectorNonce))
	head, err := capture.FirstHead(vectorID, nonce, capture.StreamPen)
	if err != nil {
		t.Fatal(err)
	}
	v := vectors{
		Comment:   "Test vectors of inkwitness.pen.v1, see capture/README.md. Bytes are hex. Made by go test ./capture/ink -update.",
		SessionID: string(vectorID), Nonce: vectorNonce, Seed: vectorSeed,
		PublicKey: hex.EncodeToString(key.Public().(ed25519.PublicKey)),
		FirstHead: hex.EncodeToString(head.Hash[:]),
		Malformed: vectorMalformed,
	}
	for i, b := range vectorBatches {
		b.Seq = uint64(i)
		msg, err := AppendBatch(nil, b.batch())
		if err != nil {
			t.Fatal(err)
		}
		head = head.After(capture.StreamPen, 0, msg)
		b.Bytes, b.Head = hex.EncodeToString(msg), hex.EncodeToString(head.Hash[:])
		v.Batches = append(v.Batches, b)
	}
	v.Messages = makeMessages(t, key, nonce, head)
	return v
}

func (b batchVector) batch() Batch {
	out := Batch{Seq: b.Seq}
	for _, p := range b.Points {
		out.Points = append(out.Points, p.point())
	}
	return out
}

func makeMessages(t *testing.T, key ed25519.PrivateKey, nonce [32]byte, head capture.Head) []msgVector {
	receipt, err := SignReceipt(key, vectorID, nonce, head)
	if err != nil {
		t.Fatal(err)
	}
	facts := capture.PenFacts{Pointer: capture.Pen, HasPressure: true, HasTilt: true, HasCoalesced: true, PixelRatio: 2000, Events: 60, Samples: 240}
	device, err := AppendDevice(nil, facts)
	if err != nil {
		t.Fatal(err)
	}
	hash := hex.EncodeToString(head.Hash[:])
	message := func(name string, msg []byte, fields map[string]any) msgVector {
		return msgVector{Name: name, Fields: fields, Bytes: hex.EncodeToString(msg)}
	}
	return []msgVector{
		message("WELCOME", Welcome{Nonce: nonce, Head: head}.Append(nil), map[string]any{"nonce": vectorNonce, "nextSeq": head.Next, "head": hash}),
		message("ACK", AppendAck(nil, head), map[string]any{"nextSeq": head.Next, "head": hash}),
		message("PING", Ping{ClientSend: 1000000}.Append(nil), map[string]any{"clientTime": 1000000}),
		message("PING", Ping{ClientSend: 3000000, LastSend: 1000000, LastReceive: 1012345}.Append(nil), map[string]any{"clientTime": 3000000, "lastClientTime": 1000000, "lastReceive": 1012345}),
		message("PONG", Pong{ClientSend: 1000000, ServerReceive: 77, ServerSend: 99}.Append(nil), map[string]any{"clientTime": 1000000, "serverReceive": 77, "serverSend": 99}),
		message("FINISH", AppendFinish(nil, head), map[string]any{"nextSeq": head.Next, "head": hash}),
		message("DEVICE", device, map[string]any{"pointer": facts.Pointer, "hasPressure": true, "hasTilt": true, "hasTwist": false, "hasHover": false, "hasCoalesced": true, "pixelRatio": 2000, "events": 60, "samples": 240}),
		message("RECEIPT", receipt.Append(nil), map[string]any{"nextSeq": head.Next, "head": hash, "signature": hex.EncodeToString(receipt.Signature[:])}),
	}
}

func TestVectors(t *testing.T) {
	got, err := json.MarshalIndent(makeVectors(t), "", "\t")
	if err != nil {
		t.Fatal(err)
	}
	got = append(got, '\n')
	if *update {
		if err := os.WriteFile(vectorFile, got, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(vectorFile)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		t.Error("the coder no longer makes testdata/vectors.json; the wire format must not change by accident")
	}
}

func TestVectorsAreReadBack(t *testing.T) {
	for _, b := range makeVectors(t).Batches {
		got, err := ParseBatch(unhex(t, b.Bytes))
		if err != nil {
			t.Errorf("%s: %v", b.Name, err)
			continue
		}
		want := b.batch()
		if got.Seq != want.Seq || len(got.Points) != len(want.Points) {
			t.Fatalf("%s: got %+v, want %+v", b.Name, got, want)
		}
		for i := range want.Points {
			if got.Points[i] != want.Points[i] {
				t.Errorf("%s, point %d: got %+v, want %+v", b.Name, i, got.Points[i], want.Points[i])
			}
		}
	}
}

func TestMalformedVectorsAreRefused(t *testing.T) {
	for _, v := range vectorMalformed {
		b, err := ParseBatch(unhex(t, v.Bytes))
		if !errors.Is(err, capture.ErrMalformed) || !strings.Contains(err.Error(), v.why) {
			t.Errorf("%s: ParseBatch = %+v, %v, want ErrMalformed for %q", v.Name, b, err, v.why)
		}
	}
}
