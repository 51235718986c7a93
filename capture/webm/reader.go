package webm

import (
	"encoding/binary"
	"math"

	"inkwitness/capture/media"
)

// Limits of what is read. A MediaRecorder's header is under 1 KiB.
const (
	maxHeader  = 64 << 10 // of an element that is read whole and is no block
	maxTracks  = 8
	maxPending = media.MaxData + maxHeader // held of an element that is not complete yet
)

// reader takes a WebM file apart while it is being made. Bytes are fed in as
// they come; frames come out as their blocks are complete. Sizes may be unknown,
// as a recorder that cannot go back leaves them.
type reader struct {
	rest   []byte // not consumed yet
	skip   int64  // bytes of an element of no interest still to come
	opened bool   // the EBML header was there

	scale  uint64 // ns to a tick
	tracks map[uint64]trackHeader
	time   int64 // ticks, of the cluster
	track  func(trackHeader)
	frame  func(t trackHeader, ticks int64, key bool, data []byte)
}

// trackHeader is what a recorder says of a track.
type trackHeader struct {
	number   uint64
	codec    media.Codec
	channels uint8
	rate     uint32 // ticks a second
}

func (t trackHeader) kind() media.Track {
	if t.codec == media.Opus {
		return media.Audio
	}
	return media.Video
}

// feed takes the next bytes in. After an error the reader is of no more use.
func (r *reader) feed(b []byte) error {
	if n := min(r.skip, int64(len(b))); n > 0 {
		r.skip -= n
		b = b[n:]
	}
	r.rest = append(r.rest, b...)
	for r.skip == 0 {
		used, err := r.step()
		if err != nil {
			return err
		}
		if used == 0 {
			break
		}
		r.rest = r.rest[used:]
	}
	if len(r.rest) > maxPending {
		return malformed("an element that does not end")
	}
	return nil
}

// step consumes one element, or the head of one whose children follow. It
// returns 0 when more bytes are needed.
func (r *reader) step() (int64, error) {
	id, size, n := elementHead(r.rest)
	if n < 0 {
		return 0, malformed("no element")
	}
	if n == 0 {
		return 0, nil
	}
	if !r.opened && id != idEBML {
		return 0, malformed("no EBML header")
	}
	switch id {
	case idSegment, idCluster, idBlockGroup:
		return n, nil // its children are read one by one
	case idEBML, idInfo, idTracks, idTimestamp, idSimpleBlock, idBlock:
		return r.whole(id, size, n)
	}
	if size == unknownSize {
		return 0, malformed("an element of unknown size")
	}
	body := min(size, int64(len(r.rest))-n)
	r.skip = size - body
	return n + body, nil
}

// whole consumes an element that is read at once.
func (r *reader) whole(id uint32, size, n int64) (int64, error) {
	limit := int64(maxHeader)
	if id == idSimpleBlock || id == idBlock {
		limit = media.MaxData + 16
	}
	if size < 0 || size > limit {
		return 0, malformed("an element that is too large")
	}
	if int64(len(r.rest)) < n+size {
		return 0, nil
	}
	return n + size, r.element(id, r.rest[n:n+size])
}

func (r *reader) element(id uint32, body []byte) error {
	switch id {
	case idEBML:
		r.opened, r.scale, r.tracks = true, 1_000_000, make(map[uint64]trackHeader)
	case idInfo:
		return r.info(body)
	case idTracks:
		return r.readTracks(body)
	case idTimestamp:
		r.time = int64(number(body) & math.MaxInt64)
	case idSimpleBlock, idBlock:
		return r.block(body, id == idSimpleBlock)
	}
	return nil
}

func (r *reader) info(body []byte) error {
	return children(body, func(id uint32, b []byte) error {
		if id == idTimestampScale {
			if r.scale = number(b); r.scale == 0 || r.scale > 1e9 {
				return malformed("a timestamp scale")
			}
		}
		return nil
	})
}

func (r *reader) readTracks(body []byte) error {
	return children(body, func(id uint32, entry []byte) error {
		if id != idTrackEntry {
			return nil
		}
		t := trackHeader{rate: uint32(1e9 / r.scale), channels: 1}
		err := children(entry, func(id uint32, b []byte) error {
			switch id {
			case idTrackNumber:
				t.number = number(b)
			case idCodecID:
				t.codec = codecOf(string(b))
			case idAudio:
				return children(b, func(id uint32, b []byte) error {
					if id == idChannels {
						t.channels = uint8(min(number(b), 255))
					}
					return nil
				})
			}
			return nil
		})
		if err != nil || t.codec == 0 || len(r.tracks) == maxTracks {
			return err
		}
		if t.codec != media.Opus {
			t.channels = 0
		}
		r.tracks[t.number] = t
		r.track(t)
		return nil
	})
}

// codecOf is the codec of a Matroska codec ID. H.264 is not read: every browser
// that can record it can record VP8 too.
func codecOf(id string) media.Codec {
	for _, c := range []media.Codec{media.VP8, media.VP9, media.AV1, media.Opus} {
		if codecID(c) == id {
			return c
		}
	}
	return 0
}

// block is RFC 9559 section 10.2: track, relative time, flags, one frame.
func (r *reader) block(b []byte, simple bool) error {
	numberOf, n := binaryVint(b)
	if n == 0 || len(b) < n+3 {
		return malformed("a block")
	}
	t, ok := r.tracks[numberOf]
	if !ok {
		return nil
	}
	at := r.time + int64(int16(binary.BigEndian.Uint16(b[n:])))
	flags, data := b[n+2], b[n+3:]
	if flags&0x06 != 0 {
		return malformed("a block with lacing")
	}
	if len(data) == 0 || len(data) > media.MaxData {
		return malformed("a block without a frame")
	}
	key := flags&0x80 != 0
	if !simple {
		w, _ := Dimensions(t.codec, data)
		key = t.codec == media.Opus || w > 0
	}
	r.frame(t, at, key, data)
	return nil
}

const unknownSize = -1

// elementHead reads an element's identifier and size. n is the length of both,
// 0 when more bytes are needed, -1 when this is no element.
func elementHead(b []byte) (id uint32, size, n int64) {
	if len(b) == 0 {
		return 0, 0, 0
	}
	width := leadingZeros(b[0]) + 1
	if width > 4 {
		return 0, 0, -1
	}
	if len(b) < width+1 {
		return 0, 0, 0
	}
	for _, c := range b[:width] {
		id = id<<8 | uint32(c)
	}
	b = b[width:]
	if b[0] == 0 {
		return 0, 0, -1 // a size of more than 8 bytes
	}
	v, used := binaryVint(b)
	if used == 0 {
		return 0, 0, 0
	}
	if v == 1<<(7*used)-1 {
		return id, unknownSize, int64(width + used)
	}
	return id, int64(v), int64(width + used)
}

// binaryVint reads a variable-size integer, RFC 8794 section 4. Its length is 0
// when it is cut short or no integer.
func binaryVint(b []byte) (v uint64, n int) {
	if len(b) == 0 || b[0] == 0 {
		return 0, 0
	}
	n = leadingZeros(b[0]) + 1
	if len(b) < n {
		return 0, 0
	}
	v = uint64(b[0]) & (1<<(8-n) - 1)
	for _, c := range b[1:n] {
		v = v<<8 | uint64(c)
	}
	return v, n
}

func leadingZeros(b byte) int {
	n := 0
	for ; n < 8 && b&(0x80>>n) == 0; n++ {
	}
	return n
}

// children walks over the elements of a body that is complete.
func children(body []byte, visit func(uint32, []byte) error) error {
	for len(body) > 0 {
		id, size, n := elementHead(body)
		if n <= 0 || size < 0 || size > int64(len(body))-n {
			return malformed("an element that is larger than its parent")
		}
		if err := visit(id, body[n:n+size]); err != nil {
			return err
		}
		body = body[n+size:]
	}
	return nil
}

// number is an unsigned integer of up to eight bytes.
func number(b []byte) (v uint64) {
	for _, c := range b[:min(8, len(b))] {
		v = v<<8 | uint64(c)
	}
	return v
}
