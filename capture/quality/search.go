package quality

import (
	"context"
	"encoding/binary"
	"fmt"
	"math"
	"slices"

	"inkwitness/capture"
)

// Earlier is the print of an earlier capture of the same signer.
type Earlier struct {
	Capture capture.SessionID
	Print   *Print
}

// Replays is what a search among earlier captures found.
type Replays struct {
	Compared int      `json:"compared"` // earlier captures
	Found    []Replay `json:"found"`
}

// Replay is an earlier stream that this one repeats.
type Replay struct {
	Capture  capture.SessionID `json:"capture"` // the earlier one
	Likeness Likeness          `json:"likeness"`
	Reasons  []capture.Reason  `json:"reasons"`
}

// copied is the share of the moves beyond which a stream is the earlier one
// played again. It is fifty times what hands reach.
const copied = 0.5

// Copy tells whether the stream was made of the earlier one's own moves.
func (r Replay) Copy() bool { return r.Likeness.Moves > copied }

// Search looks for the stream among earlier ones of the same signer: copies,
// also in part, and lines that are alike beyond what a hand can do, also moved,
// turned, scaled, slower or faster, sampled anew or with a little noise.
func Search(ctx context.Context, p *Print, earlier []Earlier) (Replays, error) {
	out := Replays{Found: []Replay{}}
	for _, e := range earlier {
		if err := ctx.Err(); err != nil {
			return Replays{}, err
		}
		out.Compared++
		l := p.Compare(e.Print)
		var reasons []capture.Reason
		if l.Moves > maxMoves {
			reasons = append(reasons, capture.Reason{Code: CodeCopy, Verdict: capture.Undecided, Figure: l.Moves, Limit: maxMoves, Unit: "share",
				Text: fmt.Sprintf("%.0f %% of the moves were made before, in the same order", 100*l.Moves)})
		}
		if s := l.Score(); s < minScore {
			reasons = append(reasons, capture.Reason{Code: CodeLike, Verdict: capture.Undecided, Figure: s, Limit: minScore,
				Text: "the line is closer to an earlier one than a hand comes"})
		}
		if reasons != nil {
			out.Found = append(out.Found, Replay{e.Capture, l, reasons})
		}
	}
	return out, nil
}

// printVersion opens a print that is kept.
const printVersion = 1

// full is what 1, the norm of a line, is in a print that is kept.
const full = 32767

// MarshalBinary returns the print for keeping: version, 1 if there is a line,
// the line's places as x, y of 16 bits each, then the hashes of the runs of
// moves in order, 32 bits each. Integers are big endian.
func (p *Print) MarshalBinary() ([]byte, error) {
	b := append(make([]byte, 0, 2+4*(resampled+len(p.moves))), printVersion, 0)
	if p.drawn {
		b[1] = 1
		for _, v := range p.line {
			b = binary.BigEndian.AppendUint16(b, uint16(int16(math.Round(full*real(v)))))
			b = binary.BigEndian.AppendUint16(b, uint16(int16(math.Round(full*imag(v)))))
		}
	}
	hashes := make([]uint32, 0, len(p.moves))
	for h := range p.moves {
		hashes = append(hashes, h)
	}
	slices.Sort(hashes)
	for _, h := range hashes {
		b = binary.BigEndian.AppendUint32(b, h)
	}
	return b, nil
}

// UnmarshalBinary reads what MarshalBinary wrote. Anything else is
// capture.ErrMalformed.
func (p *Print) UnmarshalBinary(b []byte) error {
	if len(b) < 2 || b[0] != printVersion || b[1] > 1 || (len(b)-2)%4 != 0 || b[1] == 1 && len(b) < 2+4*resampled {
		return fmt.Errorf("print of a stream: %w", capture.ErrMalformed)
	}
	*p = Print{moves: map[uint32]bool{}, drawn: b[1] == 1}
	b = b[2:]
	if p.drawn {
		for i := range p.line {
			x, y := int16(binary.BigEndian.Uint16(b)), int16(binary.BigEndian.Uint16(b[2:]))
			p.line[i], b = complex(float64(x)/full, float64(y)/full), b[4:]
		}
	}
	for ; len(b) > 0; b = b[4:] {
		p.moves[binary.BigEndian.Uint32(b)] = true
	}
	return nil
}
