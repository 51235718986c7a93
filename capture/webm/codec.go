package webm

import (
	"bytes"
	"encoding/binary"
	"strings"

	"inkwitness/capture/media"
)

func codecID(c media.Codec) string {
	switch c {
	case media.VP8:
		return "V_VP8"
	case media.VP9:
		return "V_VP9"
	case media.AV1:
		return "V_AV1"
	case media.H264:
		return "V_MPEG4/ISO/AVC"
	}
	return "A_OPUS"
}

func (p *layout) mime() string {
	base, names := "audio/webm", []string(nil)
	if p.video.frames > 0 {
		base = "video/" + strings.Replace(p.docType(), "matroska", "x-matroska", 1)
		names = append(names, map[media.Codec]string{
			media.VP8: "vp8", media.VP9: "vp9", media.AV1: "av01.0.04M.08", media.H264: "avc1.42e01f",
		}[p.video.codec])
	}
	if p.audio.frames > 0 {
		names = append(names, "opus")
	}
	return base + `; codecs="` + strings.Join(names, ",") + `"`
}

// privateData is the track's initialisation data, made from its first frame.
func privateData(c media.Codec, frame []byte, channels uint8) []byte {
	switch c {
	case media.Opus:
		return opusHead(channels)
	case media.H264:
		return avcConfig(frame)
	case media.AV1:
		return av1Config(frame)
	}
	return nil
}

// opusHead is the identification header of RFC 7845 section 5.1. A live stream
// has no pre-skip.
func opusHead(channels uint8) []byte {
	b := append([]byte("OpusHead"), 1, channels, 0, 0)
	b = binary.LittleEndian.AppendUint32(b, 48000)
	return append(b, 0, 0, 0)
}

// avcConfig is the AVCDecoderConfigurationRecord of ISO/IEC 14496-15 section
// 5.3.3 with the frame's parameter sets.
func avcConfig(frame []byte) []byte {
	var sps, pps []byte
	for n := range nalUnits(frame) {
		switch n[0] & 0x1f {
		case 7:
			sps = n
		case 8:
			pps = n
		}
	}
	if len(sps) < 4 || pps == nil {
		return nil
	}
	b := append([]byte{1, sps[1], sps[2], sps[3], 0xff, 0xe1}, byte(len(sps)>>8), byte(len(sps)))
	b = append(append(b, sps...), 1, byte(len(pps)>>8), byte(len(pps)))
	return append(b, pps...)
}

// nalUnits yields the NAL units of an Annex B frame with start codes of four
// bytes, as package media has them.
func nalUnits(frame []byte) func(yield func([]byte) bool) {
	return func(yield func([]byte) bool) {
		code := []byte{0, 0, 0, 1}
		_, rest, _ := bytes.Cut(frame, code)
		for len(rest) > 0 {
			unit, next, _ := bytes.Cut(rest, code)
			if len(unit) > 0 && !yield(unit) {
				return
			}
			rest = next
		}
	}
}

// dataSize is the length of the frame as the container holds it.
func dataSize(b block) int64 {
	if b.codec != media.H264 {
		return int64(len(b.frame.Data))
	}
	var n int64
	for unit := range nalUnits(b.frame.Data) {
		n += 4 + int64(len(unit))
	}
	return n
}

// writeData writes the frame: H.264 with lengths for start codes, the others
// as they are.
func writeData(out *output, b block) {
	if b.codec != media.H264 {
		out.bytes(b.frame.Data)
		return
	}
	for unit := range nalUnits(b.frame.Data) {
		out.bytes(binary.BigEndian.AppendUint32(nil, uint32(len(unit))))
		out.bytes(unit)
	}
}
