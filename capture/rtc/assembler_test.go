package rtc

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/pion/rtp/codecs"
	"pgregory.net/rapid"

	"inkwitness/capture/media"
)

// packet is one packet as the network carries it.
type packet struct {
	header  packetHeader
	payload []byte
	frame   int
}

type payloader interface {
	Payload(mtu uint16, payload []byte) [][]byte
}

// packetize cuts frames into packets with another implementation, pion's.
func packetize(p payloader, frames [][]byte, seq uint16, mtu uint16) []packet {
	var out []packet
	for i, f := range frames {
		parts := p.Payload(mtu, f)
		for j, part := range parts {
			out = append(out, packet{
				header:  packetHeader{seq: seq, time: uint32(i) * 3600, marker: j == len(parts)-1, arrival: int64(i) * 40_000},
				payload: part, frame: i,
			})
			seq++
		}
	}
	return out
}

// collector gathers what an assembler records.
func collector(c media.Codec) (*assembler, *[]media.Frame) {
	var got []media.Frame
	track := media.Video
	if c == media.Opus {
		track = media.Audio
	}
	return newAssembler(c, track, 7, func(f media.Frame) {
		f.Data = bytes.Clone(f.Data)
		got = append(got, f)
	}), &got
}

func vp8Frames(n, every int) [][]byte {
	var frames [][]byte
	for i := range n {
		frames = append(frames, fakeVP8(i, i%every == 0))
	}
	return frames
}

func numberOf(f media.Frame) (n int) {
	fmt.Sscanf(string(f.Data[16:28]), "frame %d", &n)
	return n
}

// TestAnyNetwork: whatever is lost, doubled or reordered, the frames recorded
// are whole, in order, and each follows the one that it was coded after.
func TestAnyNetwork(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		every := rapid.IntRange(1, 20).Draw(t, "keyframe every")
		start := rapid.Uint16().Draw(t, "first sequence number")
		packets := packetize(&codecs.VP8Payloader{EnablePictureID: rapid.Bool().Draw(t, "ids")}, vp8Frames(60, every), start, 1000)
		rnd := rand.New(rand.NewPCG(rapid.Uint64().Draw(t, "seed"), 0))
		loss, late := rapid.Float64Range(0, 0.4).Draw(t, "loss"), rapid.IntRange(0, 30).Draw(t, "displacement")
		var arrived []packet
		lost := make(map[int]bool)
		for _, p := range packets {
			if rnd.Float64() < loss {
				lost[p.frame] = true
				continue
			}
			arrived = append(arrived, p)
			if rnd.IntN(10) == 0 {
				arrived = append(arrived, p)
			}
		}
		shuffleNear(rnd, arrived, late)
		a, got := collector(media.VP8)
		for _, p := range arrived {
			a.push(p.header, p.payload)
		}
		a.flush()
		last := -1
		for _, f := range *got {
			n := numberOf(f)
			if !bytes.Equal(f.Data, fakeVP8(n, n%every == 0)) {
				t.Fatalf("frame %d is not whole", n)
			}
			if n <= last || lost[n] {
				t.Fatalf("frame %d after %d, lost %v", n, last, lost[n])
			}
			if !f.Key && n != last+1 {
				t.Fatalf("frame %d refers to %d but follows %d", n, n-1, last)
			}
			if f.Gap != (last >= 0 && n != last+1) && last >= 0 {
				t.Fatalf("frame %d after %d says gap %v", n, last, f.Gap)
			}
			last = n
		}
		if late == 0 && loss == 0 && len(*got) != 60 {
			t.Fatalf("%d frames of 60 without any loss", len(*got))
		}
	})
}

// shuffleNear moves packets by at most n places.
func shuffleNear(rnd *rand.Rand, packets []packet, n int) {
	place := make(map[int]int)
	order := make([]int, len(packets))
	for i := range order {
		order[i], place[i] = i, i+rnd.IntN(n+1)
	}
	slices.SortStableFunc(order, func(a, b int) int { return place[a] - place[b] })
	out := make([]packet, len(packets))
	for i, j := range order {
		out[i] = packets[j]
	}
	copy(packets, out)
}

func TestReorderedPacketsLoseNothing(t *testing.T) {
	packets := packetize(&codecs.VP8Payloader{}, vp8Frames(40, 10), 65500, 1000)
	shuffleNear(rand.New(rand.NewPCG(1, 2)), packets[1:], 20)
	a, got := collector(media.VP8)
	for _, p := range packets {
		a.push(p.header, p.payload)
	}
	if len(*got) != 40 || a.count.Lost != 0 || a.count.Dropped != 0 {
		t.Errorf("%d frames, %+v, want 40 and none lost", len(*got), a.count)
	}
	if (*got)[39].RTP != 39*3600 {
		t.Errorf("last time %d, want %d", (*got)[39].RTP, 39*3600)
	}
}

func TestLateRetransmissionsAreWaitedFor(t *testing.T) {
	packets := packetize(&codecs.VP8Payloader{}, vp8Frames(30, 10), 1, 1000)
	missing := packets[6] // of frame 2
	a, got := collector(media.VP8)
	push := func(from, to int) {
		for _, p := range packets[from:to] {
			a.push(p.header, p.payload)
		}
	}
	push(0, 6)
	push(7, 15) // to frame 4
	seen := packets[7].header.arrival
	a.expire(seen + ringWait.Microseconds() - 1)
	if len(*got) != 2 {
		t.Fatalf("%d frames before the wait is over, want 2", len(*got))
	}
	a.push(missing.header, missing.payload)
	if len(*got) != 5 || a.count.Repaired != 1 {
		t.Fatalf("%d frames, %d repaired after the retransmission, want 5 and 1", len(*got), a.count.Repaired)
	}
	push(16, 30) // packet 15, of frame 5, is lost for good
	a.expire(packets[16].header.arrival + ringWait.Microseconds())
	if len(*got) != 5 || !a.keyframeWanted() {
		t.Fatalf("%d frames, keyframe wanted %v after a loss, want 5 and true", len(*got), a.keyframeWanted())
	}
	push(30, 33)
	if n := len(*got); n != 6 || numberOf((*got)[5]) != 10 || !(*got)[5].Gap || a.count.Lost != 1 {
		t.Fatalf("%d frames, %+v: want the keyframe 10 next, after a gap", n, a.count)
	}
}

func TestJumpOfTheSequence(t *testing.T) {
	packets := packetize(&codecs.VP8Payloader{}, vp8Frames(20, 10), 0, 1000)
	a, got := collector(media.VP8)
	for i, p := range packets {
		if p.frame >= 10 {
			p.header.seq += 5000
		}
		if i != 4 {
			a.push(p.header, p.payload)
		}
	}
	if n := len(*got); n != 11 || numberOf((*got)[1]) != 10 {
		t.Errorf("%d frames, want the first and 10 to 19", n)
	}
}

// sample frames that begin as the codec's own do.
var codecFrames = []struct {
	codec   media.Codec
	p       payloader
	key     []byte
	delta   []byte
	perhaps func([]byte) []byte // what the frame looks like when recorded
}{
	{media.VP9, &codecs.VP9Payloader{}, append([]byte{0x82, 0x49, 0x83, 0x42, 0x00, 0x27, 0xf0, 0x1d, 0xf0}, make([]byte, 3000)...),
		append([]byte{0x86}, make([]byte, 3000)...), nil},
	{media.H264, &codecs.H264Payloader{},
		slices.Concat(startCode, []byte{0x67, 0x42, 0xe0, 0x1f, 1}, startCode, []byte{0x68, 0xce, 1}, startCode, []byte{0x65}, bytes.Repeat([]byte{0x55}, 3000)),
		slices.Concat(startCode, []byte{0x41}, bytes.Repeat([]byte{0x55}, 3000)), nil},
	{media.AV1, &codecs.AV1Payloader{},
		slices.Concat([]byte{0x12, 0x00, 0x0a, 0x03, 1, 2, 3, 0x32, 0xb8, 0x17}, bytes.Repeat([]byte{0x55}, 3000)),
		slices.Concat([]byte{0x12, 0x00, 0x32, 0xb8, 0x17}, bytes.Repeat([]byte{0x66}, 3000)),
		func(b []byte) []byte { return b[2:] }}, // without the temporal delimiter
	{media.Opus, &codecs.OpusPayloader{}, []byte{0xfc, 1, 2}, nil, nil},
}

func TestEveryCodecIsJoined(t *testing.T) {
	for _, c := range codecFrames {
		t.Run(c.codec.String(), func(t *testing.T) {
			frames := [][]byte{c.key}
			if c.delta != nil {
				frames = append(frames, c.delta, c.delta, c.key, c.delta)
			}
			a, got := collector(c.codec)
			for _, p := range packetize(c.p, frames, 9, 1000) {
				a.push(p.header, p.payload)
			}
			if len(*got) != len(frames) {
				t.Fatalf("%d frames, want %d (%+v)", len(*got), len(frames), a.count)
			}
			for i, f := range *got {
				want := frames[i]
				if c.perhaps != nil {
					want = c.perhaps(want)
				}
				if !bytes.Equal(f.Data, want) {
					t.Errorf("frame %d: %d bytes % x.., want %d bytes % x..", i, len(f.Data), f.Data[:min(20, len(f.Data))], len(want), want[:min(20, len(want))])
				}
				if f.Key != (i%3 == 0) {
					t.Errorf("frame %d: key %v", i, f.Key)
				}
			}
		})
	}
}

// FuzzAssembler feeds packets cut from the input: nothing panics, and memory
// stays within one frame.
func FuzzAssembler(f *testing.F) {
	for i, c := range codecFrames {
		var in []byte
		for _, p := range packetize(c.p, [][]byte{c.key}, 0, 200) {
			in = binary.BigEndian.AppendUint16(in, p.header.seq)
			in = append(in, byte(p.header.time)|1, byte(len(p.payload)))
			in = append(in, p.payload...)
		}
		f.Add(uint8(i), in)
	}
	f.Add(uint8(4), []byte{0, 0, 1, 4, 0x90, 0x80, 0x80, 0x01})
	all := []media.Codec{media.VP9, media.H264, media.AV1, media.Opus, media.VP8}
	f.Fuzz(func(t *testing.T, codec uint8, in []byte) {
		a, got := collector(all[int(codec)%len(all)])
		for now := int64(0); len(in) >= 4; now += 10_000 {
			h := packetHeader{seq: binary.BigEndian.Uint16(in), time: uint32(in[2] >> 1), marker: in[2]&1 == 1, arrival: now}
			n := min(int(in[3]), len(in)-4)
			a.push(h, in[4:4+n])
			a.expire(now)
			in = in[4+n:]
		}
		a.flush()
		for _, f := range *got {
			if len(f.Data) == 0 || len(f.Data) > media.MaxData {
				t.Errorf("frame of %d bytes", len(f.Data))
			}
		}
	})
}
