package media

import (
	"bytes"
	"encoding/hex"
	"errors"
	"reflect"
	"testing"

	"inkwitness/capture"

	"pgregory.net/rapid"
)

// vectors are the README's examples, worked out by hand from its diagram.
var vectors = []struct {
	name   string
	record Record
	hex    string
}{
	{"segment", Segment{Number: 3, Reason: Reconnect, Arrival: 1000}, "81 41 04 03 02 d00f"},
	{"track start", TrackStart{Segment: 3, Track: Video, Codec: VP8, ClockRate: 90000, SSRC: 7, Arrival: 1001},
		"81 42 0a 03 01 01 00 90bf05 07 d20f"},
	{"frame", Frame{Segment: 3, Track: Video, Key: true, RTP: 3600, Arrival: 1002, Data: []byte{0x10, 0x02}},
		"81 01 09 03 01 01 a038 d40f 1002"},
	{"frame after a loss, with its capture time",
		Frame{Segment: 3, Track: Audio, Gap: true, RTP: -1, Arrival: 1, Capture: 1 << 32, Data: []byte{0xff}},
		"81 01 0e 03 02 06 01 02 0000000100000000 ff"},
	{"sender report", SenderReport{Segment: 3, Track: Audio, SSRC: 9, NTP: 2 << 32, RTP: 5, Packets: 1, Octets: 128, Arrival: 1},
		"81 43 13 03 02 09 0000000200000000 00000005 01 8001 02"},
	{"track end", TrackEnd{Segment: 3, Track: Video, Packets: 10, Lost: 1, Frames: 5, Dropped: 2, Arrival: 1},
		"81 44 07 03 01 0a 01 05 02 02"},
	{"chunk", Chunk{Segment: 3, Sent: 1, Arrival: 2, Data: []byte{0x1a}}, "81 02 04 03 02 04 1a"},
}

func TestVectors(t *testing.T) {
	for _, v := range vectors {
		t.Run(v.name, func(t *testing.T) {
			want := unhex(t, v.hex)
			if got := Append(nil, v.record); !bytes.Equal(got, want) {
				t.Errorf("Append = % x, want % x", got, want)
			}
			got, err := collect(want)
			if err != nil || !reflect.DeepEqual(got, []Record{v.record}) {
				t.Errorf("Records = %+v, %v, want %+v", got, err, v.record)
			}
		})
	}
}

func TestMalformedPayloadsAreRefused(t *testing.T) {
	tests := []struct{ name, hex string }{
		{"empty", ""},
		{"another version", "82 44 07 03 01 0a 01 05 02 02"},
		{"unknown kind", "81 45 01 00"},
		{"no length", "81 01"},
		{"body cut short", "81 41 04 03 02 d0"},
		{"left-over bytes in the body", "81 41 05 03 02 d00f 00"},
		{"number not in its shortest form", "81 41 05 8300 02 d00f"},
		{"number over 32 bits", "81 41 08 8080808010 02 d00f"},
		{"unknown reason", "81 41 04 03 09 d00f"},
		{"unknown track", "81 44 07 03 03 0a 01 05 02 02"},
		{"unknown flag", "81 01 09 03 01 81 a038 d40f 1002"},
		{"capture time of zero", "81 01 0e 03 02 06 01 02 0000000000000000 ff"},
		{"audio codec on a video track", "81 42 0a 03 01 05 00 90bf05 07 d20f"},
		{"clock rate of zero", "81 42 08 03 01 01 00 00 07 d20f"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			if got, err := collect(unhex(t, test.hex)); !errors.Is(err, capture.ErrMalformed) {
				t.Errorf("Records = %+v, %v, want ErrMalformed", got, err)
			}
		})
	}
	if _, err := collect(make([]byte, MaxPayload+1)); !errors.Is(err, capture.ErrLimit) {
		t.Errorf("a payload over the limit: %v, want ErrLimit", err)
	}
}

func TestRecordsBeforeAFaultAreRead(t *testing.T) {
	good := Append(nil, Segment{Number: 1, Reason: Started})
	got, err := collect(append(good, 0xee, 0x00))
	if len(got) != 1 || !errors.Is(err, capture.ErrMalformed) {
		t.Errorf("got %d records and %v, want 1 and ErrMalformed", len(got), err)
	}
}

func TestRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		want := rapid.SliceOfN(records(), 1, 20).Draw(t, "records")
		var payload []byte
		for _, r := range want {
			payload = Append(payload, r)
		}
		got, err := collect(payload)
		if err != nil || !reflect.DeepEqual(got, want) {
			t.Fatalf("got %+v, %v, want %+v", got, err, want)
		}
	})
}

// FuzzRecords: whatever decodes, codes back to the same bytes.
func FuzzRecords(f *testing.F) {
	for _, v := range vectors {
		f.Add(Append(nil, v.record))
	}
	f.Fuzz(func(t *testing.T, payload []byte) {
		got, err := collect(payload)
		if err != nil {
			return
		}
		again := []byte{Version}
		for _, r := range got {
			again = Append(again, r)
		}
		if !bytes.Equal(again, payload) {
			t.Errorf("% x codes back to % x", payload, again)
		}
	})
}

func records() *rapid.Generator[Record] {
	return rapid.Custom(func(t *rapid.T) Record {
		seg := rapid.Uint32().Draw(t, "segment")
		track := rapid.SampledFrom([]Track{Video, Audio}).Draw(t, "track")
		arrival := rapid.Int64().Draw(t, "arrival")
		data := rapid.SliceOfN(rapid.Byte(), 1, 300).Draw(t, "data")
		switch rapid.IntRange(0, 5).Draw(t, "kind") {
		case 0:
			return Segment{Number: seg, Reason: Reason(rapid.IntRange(1, 4).Draw(t, "reason")), Arrival: arrival}
		case 1:
			codec := Codec(rapid.IntRange(1, 5).Draw(t, "codec"))
			rate := rapid.Uint32Min(1).Draw(t, "rate")
			return TrackStart{seg, codec.track(), codec, rate, rapid.Byte().Draw(t, "channels"), rapid.Uint32().Draw(t, "ssrc"), arrival}
		case 2:
			return SenderReport{seg, track, rapid.Uint32().Draw(t, "ssrc"), rapid.Uint64().Draw(t, "ntp"),
				rapid.Uint32().Draw(t, "rtp"), rapid.Uint32().Draw(t, "packets"), rapid.Uint32().Draw(t, "octets"), arrival}
		case 3:
			n := rapid.Uint64Max(1 << 62)
			return TrackEnd{seg, track, n.Draw(t, "packets"), n.Draw(t, "lost"), n.Draw(t, "frames"), n.Draw(t, "dropped"), arrival}
		case 4:
			return Chunk{seg, rapid.Int64().Draw(t, "sent"), arrival, data}
		}
		return Frame{seg, track, rapid.Bool().Draw(t, "key"), rapid.Bool().Draw(t, "gap"),
			rapid.Int64().Draw(t, "rtp"), arrival, rapid.Uint64().Draw(t, "capture"), data}
	})
}

func collect(payload []byte) ([]Record, error) {
	var all []Record
	for r, err := range Records(payload) {
		if err != nil {
			return all, err
		}
		all = append(all, r)
	}
	return all, nil
}

func unhex(t *testing.T, s string) []byte {
	t.Helper()
	b, err := hex.DecodeString(string(bytes.ReplaceAll([]byte(s), []byte(" "), nil)))
	if err != nil {
		t.Fatal(err)
	}
	return b
}
