package webm

import (
	"encoding/binary"
	"fmt"

	"inkwitness/capture/media"
)

// A cluster begins at each keyframe and at the latest after this much.
const (
	clusterTime  = 5_000 // ms; block times within a cluster are 16 bits signed
	clusterBytes = 4 << 20
)

// layout is what a first pass over the recording knows of the file:
//
//	EBML header | Segment [ SeekHead | Info | Tracks | Cues | Cluster... ]
//
// With the sizes known beforehand the file is written front to back, and the
// index stands where a player over HTTP reads first.
type layout struct {
	video, audio trackInfo
	clusters     []cluster
	result       Result
	front        []byte // all before the first cluster
	total        int64  // of the clusters

	left   []cluster // not written yet
	inside int64     // bytes left of the cluster under way
}

type trackInfo struct {
	codec         media.Codec
	frames        int64
	width, height int
	channels      uint8
	private       []byte
	lastTime      int64 // ms
	step          int64 // ms between the last two frames
}

// cluster is 32 bytes; there is one for each two seconds or so.
type cluster struct {
	time  int64 // ms
	size  int64 // of its content
	video bool  // it begins with a video keyframe
}

// add takes a frame into the plan.
func (p *layout) add(b block) error {
	t := &p.audio
	if b.frame.Track == media.Video {
		t = &p.video
	}
	if err := t.learn(b); err != nil {
		return err
	}
	if p.opens(b) {
		p.clusters = append(p.clusters, cluster{time: b.time, video: b.frame.Track == media.Video && b.frame.Key})
		p.clusters[len(p.clusters)-1].size = int64(len(clusterTimestamp(b.time)))
	}
	last := &p.clusters[len(p.clusters)-1]
	last.size += blockSize(b)
	if t.frames > 0 {
		t.step = b.time - t.lastTime
	}
	t.frames++
	t.lastTime = b.time
	return nil
}

// opens tells whether a cluster begins with the frame.
func (p *layout) opens(b block) bool {
	if len(p.clusters) == 0 || b.frame.Track == media.Video && b.frame.Key {
		return true
	}
	last := p.clusters[len(p.clusters)-1]
	return b.time-last.time >= clusterTime || last.size >= clusterBytes
}

// learn takes from a frame what the track's header needs.
func (t *trackInfo) learn(b block) error {
	if t.frames == 0 {
		t.codec, t.channels = b.codec, max(1, b.start.Channels)
		t.private = privateData(b.codec, b.frame.Data, t.channels)
	}
	if b.frame.Track != media.Video || !b.frame.Key {
		return nil
	}
	w, h := Dimensions(b.codec, b.frame.Data)
	if w == 0 || h == 0 {
		return malformed(fmt.Sprintf("a keyframe of %v without its size", b.codec))
	}
	if w*h > t.width*t.height {
		t.width, t.height = w, h
	}
	return nil
}

// finish puts the front together.
func (p *layout) finish() {
	p.left = p.clusters
	for _, c := range p.clusters {
		p.total += int64(len(appendID(nil, idCluster))) + sizeLength(c.size) + c.size
	}
	end := max(p.video.end(), p.audio.end())
	p.result = Result{
		MIME: p.mime(), DurationMicros: end * 1000, VideoFrames: p.video.frames, AudioFrames: p.audio.frames,
		Width: p.video.width, Height: p.video.height,
	}
	info := element(idInfo,
		uintElement(idTimestampScale, 1_000_000), // ns: times are in ms
		floatElement(idDuration, float64(end)),
		stringElement(idMuxingApp, "Inkwitness"), stringElement(idWritingApp, "Inkwitness"))
	tracks := p.tracks()
	head := seekHead(0, 0, 0)
	cues := p.cues(0)
	infoAt := int64(len(head))
	tracksAt := infoAt + int64(len(info))
	cuesAt := tracksAt + int64(len(tracks))
	clustersAt := cuesAt + int64(len(cues))
	head, cues = seekHead(infoAt, tracksAt, cuesAt), p.cues(clustersAt)

	p.front = element(idEBML,
		uintElement(idEBMLVersion, 1), uintElement(idEBMLReadVersion, 1), uintElement(idEBMLMaxIDLength, 4),
		uintElement(idEBMLMaxSizeLength, 8), stringElement(idDocType, p.docType()),
		uintElement(idDocTypeVersion, 4), uintElement(idDocTypeReadVersion, 2))
	p.front = appendSize(appendID(p.front, idSegment), clustersAt+p.total)
	for _, e := range [][]byte{head, info, tracks, cues} {
		p.front = append(p.front, e...)
	}
}

// end is when the track's last frame is over, its length taken from the step
// before.
func (t *trackInfo) end() int64 {
	if t.frames == 0 {
		return 0
	}
	return t.lastTime + max(1, min(t.step, 1000))
}

func (p *layout) header() []byte { return p.front }

// size is that of the whole file.
func (p *layout) size() int64 { return int64(len(p.front)) + p.total }

func seekHead(info, tracks, cues int64) []byte {
	entry := func(id uint32, at int64) []byte {
		return element(idSeek, element(idSeekID, appendID(nil, id)), fixedElement(idSeekPosition, uint64(at)))
	}
	return element(idSeekHead, entry(idInfo, info), entry(idTracks, tracks), entry(idCues, cues))
}

// cues point at each cluster that begins with a keyframe; without video at all.
func (p *layout) cues(at int64) []byte {
	track := uint64(media.Video)
	if p.video.frames == 0 {
		track = uint64(media.Audio)
	}
	var points []byte
	for _, c := range p.clusters {
		if c.video || p.video.frames == 0 {
			points = append(points, element(idCuePoint,
				fixedElement(idCueTime, uint64(c.time)),
				element(idCueTrackPositions, uintElement(idCueTrack, track), fixedElement(idCueClusterPosition, uint64(at))))...)
		}
		at += int64(len(appendID(nil, idCluster))) + sizeLength(c.size) + c.size
	}
	return element(idCues, points)
}

func (p *layout) tracks() []byte {
	var entries []byte
	if p.video.frames > 0 {
		entries = append(entries, p.video.entry(media.Video, element(idVideo,
			uintElement(idPixelWidth, uint64(p.video.width)), uintElement(idPixelHeight, uint64(p.video.height))))...)
	}
	if p.audio.frames > 0 {
		entries = append(entries, p.audio.entry(media.Audio,
			// RFC 9559 section 5.1.4.1.26: Opus wants 80 ms of pre-roll.
			uintElement(idCodecDelay, 0), uintElement(idSeekPreRoll, 80_000_000),
			element(idAudio, floatElement(idSamplingFrequency, 48000), uintElement(idChannels, uint64(p.audio.channels))))...)
	}
	return element(idTracks, entries)
}

func (t *trackInfo) entry(track media.Track, more ...[]byte) []byte {
	body := [][]byte{
		uintElement(idTrackNumber, uint64(track)), uintElement(idTrackUID, uint64(track)),
		uintElement(idTrackType, uint64(track)), // 1 is video and 2 is audio in Matroska too
		uintElement(idFlagLacing, 0), stringElement(idCodecID, codecID(t.codec)),
	}
	if len(t.private) > 0 {
		body = append(body, element(idCodecPrivate, t.private))
	}
	return element(idTrackEntry, append(body, more...)...)
}

func clusterTimestamp(ms int64) []byte { return fixedElement(idTimestamp, uint64(ms)) }

// blockSize is the length of the frame's SimpleBlock with its header.
func blockSize(b block) int64 {
	n := 4 + dataSize(b)
	return 1 + sizeLength(n) + n
}

// write writes a frame, and before it the cluster that it opens.
func (p *layout) write(out *output, b block) error {
	if p.inside == 0 {
		if len(p.left) == 0 || p.left[0].time != b.time {
			return ErrChanged
		}
		c := p.left[0]
		p.left, p.inside = p.left[1:], c.size
		out.bytes(appendSize(appendID(nil, idCluster), c.size))
		stamp := clusterTimestamp(c.time)
		out.bytes(stamp)
		p.inside -= int64(len(stamp))
	}
	if p.inside -= blockSize(b); p.inside < 0 {
		return ErrChanged
	}
	opened := p.clusters[len(p.clusters)-len(p.left)-1].time
	head := appendSize([]byte{idSimpleBlock}, 4+dataSize(b))
	head = append(head, 0x80|byte(b.frame.Track))
	head = binary.BigEndian.AppendUint16(head, uint16(int16(b.time-opened)))
	var flags byte
	if b.frame.Key {
		flags = 0x80
	}
	out.bytes(append(head, flags))
	writeData(out, b)
	return out.err
}

func (p *layout) docType() string {
	if p.video.codec == media.H264 {
		return "matroska"
	}
	return "webm"
}
