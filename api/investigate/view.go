package investigate

import (
	"context"
	"encoding/json"
	"time"

	"inkwitness/api"
	"inkwitness/api/dispute"
	"inkwitness/biometrics"
	"inkwitness/capture"
	"inkwitness/evidence"
)

// CaseView is a case without its sample points.
type CaseView struct {
	ID        string        `json:"id"`
	Version   int64         `json:"version" doc:"grows with each change: of two answers the newer one"`
	Reference string        `json:"reference"`
	Question  string        `json:"question"`
	Parties   string        `json:"parties"`
	CreatedAt time.Time     `json:"createdAt"`
	ChangedAt time.Time     `json:"changedAt"`
	KeepUntil time.Time     `json:"keepUntil"`
	Items     []ItemView    `json:"items"`
	Openings  []OpeningView `json:"openings" doc:"of this case, the newest first"`
	Runs      []RunView     `json:"runs" doc:"comparisons, the newest last"`
	Notes     []NoteBody    `json:"notes"`
	Custody   []CustodyView `json:"custody" doc:"the case's chain of the audit record, checked"`
}

// ItemView is one signature of a case.
type ItemView struct {
	ID       string               `json:"id"`
	Part     dispute.Part         `json:"part" enum:"questioned,reference"`
	Label    string               `json:"label"`
	Origin   dispute.Origin       `json:"origin" enum:"deposit,container,file"`
	Note     string               `json:"note"`
	Name     string               `json:"name" doc:"of the writer, as the source says"`
	Title    string               `json:"title,omitempty" doc:"of the document"`
	Document string               `json:"document,omitempty"`
	Signer   string               `json:"signer,omitempty"`
	SignedAt *time.Time           `json:"signedAt,omitempty" doc:"as the source says"`
	AddedAt  time.Time            `json:"addedAt"`
	Readable bool                 `json:"readable"`
	Until    *time.Time           `json:"until,omitempty" doc:"end of the opening"`
	Filename string               `json:"filename,omitempty"`
	Format   string               `json:"format,omitempty"`
	SHA256   string               `json:"sha256" doc:"of the pen stream, or of the file as it came"`
	File     string               `json:"fileSha256,omitempty" doc:"of the file that was brought along"`
	Device   capture.Device       `json:"device"`
	Quality  biometrics.Quality   `json:"quality"`
	Problems []biometrics.Problem `json:"problems"`
	Checks   *evidence.Report     `json:"checks,omitempty" doc:"of a deposit that was brought along, at its import"`
	Timeline json.RawMessage      `json:"timeline,omitempty"`
	VideoURL string               `json:"videoUrl,omitempty"`

	Face *biometrics.FaceFinding `json:"face,omitempty" doc:"of the face in the video, when it was signed: a finding apart from the comparison"`
}

// RunView is one comparison.
type RunView struct {
	ID         string       `json:"id"`
	At         time.Time    `json:"at"`
	By         string       `json:"by" doc:"name"`
	References []UsedView   `json:"references"`
	Results    []ResultView `json:"results"`
}

// UsedView names a signature and the bytes it was read from.
type UsedView struct {
	Item   string `json:"item"`
	SHA256 string `json:"sha256"`
}

// ResultView is the answer on one questioned signature.
type ResultView struct {
	UsedView
	Comparison *biometrics.Comparison `json:"comparison,omitempty"`
	Trouble    string                 `json:"trouble,omitempty" doc:"why there is no answer, in English"`
	Code       string                 `json:"troubleCode,omitempty" doc:"code of the problem that refused the signatures"`
}

// CustodyView is one line of the record.
type CustodyView struct {
	Seq    int64      `json:"seq"`
	At     time.Time  `json:"at"`
	Kind   string     `json:"kind"`
	By     string     `json:"by" doc:"name"`
	Detail api.Detail `json:"detail,omitempty"`
	Hash   string     `json:"hash" doc:"of this line and all before it"`
}

// caseOut views a case that a step returned.
func (h *Handler) caseOut(ctx context.Context, c *dispute.Case, err error) (*caseOutput, error) {
	if err != nil {
		return nil, err
	}
	v := CaseView{ID: c.ID, Version: c.Version, Reference: c.Reference, Question: c.Question, Parties: c.Parties, CreatedAt: c.Created, ChangedAt: c.Changed, KeepUntil: c.KeepUntil,
		Items: []ItemView{}, Openings: []OpeningView{}, Runs: []RunView{}, Notes: []NoteBody{}, Custody: []CustodyView{}}
	now := h.Disputes.Clock.Now()
	for i := range c.Items {
		v.Items = append(v.Items, viewItem(c, &c.Items[i], now))
	}
	for _, r := range c.Runs {
		run := RunView{ID: r.ID, At: r.At, By: h.Disputes.Name(ctx, r.By), References: []UsedView{}, Results: []ResultView{}}
		for _, u := range r.References {
			run.References = append(run.References, UsedView(u))
		}
		for _, one := range r.Results {
			run.Results = append(run.Results, ResultView{UsedView(one.Used), one.Comparison, one.Trouble, one.Code})
		}
		v.Runs = append(v.Runs, run)
	}
	for _, n := range c.Notes {
		v.Notes = append(v.Notes, NoteBody(n))
	}
	all, err := h.Disputes.Openings.OpeningsOf(ctx, c.Organisation, c.ID, dispute.MostOpenings)
	if err != nil {
		return nil, err
	}
	for _, o := range all {
		one, err := h.viewOpening(ctx, o)
		if err != nil {
			return nil, err
		}
		v.Openings = append(v.Openings, one)
	}
	events, err := h.Disputes.Custody(ctx, c.ID)
	if err != nil {
		return nil, err
	}
	for _, e := range events {
		v.Custody = append(v.Custody, CustodyView{e.Seq, e.At, e.Kind, h.Disputes.Name(ctx, e.Account), e.Detail, evidence.Digest(e.Hash).String()})
	}
	return &caseOutput{v}, nil
}

func viewItem(c *dispute.Case, i *dispute.Item, now time.Time) ItemView {
	v := ItemView{ID: i.ID, Part: i.Part, Label: i.Label, Origin: i.Origin, Note: i.Note, Name: i.Name, Title: i.Title, Document: i.Document, Signer: i.Signer,
		AddedAt: i.Added, Readable: i.Readable(now), Filename: i.Filename, Format: i.Format, SHA256: i.SHA256, Device: i.Device, Quality: i.Quality,
		Problems: i.Problems, Checks: i.Checks, Timeline: i.Timeline}
	if v.Problems == nil {
		v.Problems = []biometrics.Problem{}
	}
	if !i.Signed.IsZero() {
		v.SignedAt = &i.Signed
	}
	if !i.Until.IsZero() {
		v.Until = &i.Until
	}
	if i.Source != nil {
		v.File = i.Source.SHA256.String()
	}
	if v.Readable {
		v.Face = i.Face
	}
	if v.Readable && (i.Video != nil || len(i.Timeline) > 0) {
		v.VideoURL = "/api/cases/" + c.ID + "/items/" + i.ID + "/video"
	}
	return v
}

type samplesOutput struct {
	Body struct {
		Samples []Sampled `json:"samples"`
	}
}

// Sampled are the points of one signature, a column for each channel.
type Sampled struct {
	Item       string         `json:"item"`
	Device     capture.Device `json:"device"`
	UnitsPerMM float64        `json:"unitsPerMM" doc:"position units to a millimetre; nominal where device.nominalScale"`
	Points     Points         `json:"points"`
}

// Points are the sample points by channel: the i-th value of each belongs to the
// i-th point.
type Points struct {
	T     []int64  `json:"t" doc:"µs on the device's own clock, first point 0"`
	X     []int32  `json:"x" doc:"position units, to the right"`
	Y     []int32  `json:"y" doc:"position units, downwards"`
	P     []uint16 `json:"p" doc:"pressure, 0..65535"`
	TiltX []int16  `json:"tiltX" doc:"0.01 degree"`
	TiltY []int16  `json:"tiltY" doc:"0.01 degree"`
	Down  []bool   `json:"down"`
	Start []bool   `json:"start" doc:"first point of a stroke"`
}

func (h *Handler) samples(ctx context.Context, in *idInput) (*samplesOutput, error) {
	c, err := h.load(ctx, in.ID, api.Read)
	if err != nil {
		return nil, err
	}
	all, err := h.Disputes.Samples(ctx, c)
	if err != nil {
		return nil, err
	}
	out := new(samplesOutput)
	out.Body.Samples = make([]Sampled, 0, len(all))
	for _, one := range all {
		out.Body.Samples = append(out.Body.Samples, sampled(one.ID, one.Signature))
	}
	return out, nil
}

func sampled(item string, s capture.Signature) Sampled {
	n := len(s.Points)
	out := Sampled{Item: item, Device: s.Device, UnitsPerMM: s.Device.UnitsPerMM, Points: Points{
		T: make([]int64, n), X: make([]int32, n), Y: make([]int32, n), P: make([]uint16, n),
		TiltX: make([]int16, n), TiltY: make([]int16, n), Down: make([]bool, n), Start: make([]bool, n),
	}}
	for i, p := range s.Points {
		c := &out.Points
		c.T[i], c.X[i], c.Y[i], c.P[i] = p.Time-s.Points[0].Time, p.X, p.Y, p.Pressure
		c.TiltX[i], c.TiltY[i], c.Down[i], c.Start[i] = p.TiltX, p.TiltY, p.Down, p.Start
	}
	return out
}
