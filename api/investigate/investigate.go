// Package investigate serves the recorded evidence of a signature to a dispute
// investigator: questioned and reference signatures as sampled, the comparison,
// the video. Every opening is recorded with its reason.
package investigate

import (
	"context"
	"encoding/json"
	"net/http"
	"time"

	"inkwitness/api"
	"inkwitness/api/ceremony"
	"inkwitness/biometrics"
	"inkwitness/capture"
)

// Handler serves /api/investigate. All fields are needed.
type Handler struct {
	Ceremony *ceremony.Service
	Vault    api.Vault
}

const tag = "Investigation"

// Mount implements api.Handler.
func (h *Handler) Mount(a *api.API) {
	api.Register(a, api.Route{Method: "GET", Path: "/api/investigate/documents/{id}/signers/{signer}", ID: "openEvidence", Summary: "Open the evidence of one signature", Tag: tag}, h.open)
	a.Raw(api.Route{Method: "GET", Path: "/api/investigate/documents/{id}/signers/{signer}/video", ID: "watchVideo", Summary: "The selfie video of one signature; ranges are served", Tag: tag}, h.video)
}

// allowed loads the document if the asker may open its evidence.
func (h *Handler) allowed(ctx context.Context, id string) (*ceremony.Document, error) {
	d, err := h.Ceremony.Document(ctx, id)
	if err != nil {
		return nil, err
	}
	return d, api.Allow(api.IdentityOf(ctx), api.Open, api.Object{Kind: api.EvidenceObject, Organisation: d.Organisation, Owner: d.Owner})
}

type openInput struct {
	ID     string `path:"id" pattern:"^[0-9a-f]{32}$"`
	Signer string `path:"signer" pattern:"^[0-9a-f]{32}$"`
	Reason string `query:"reason" minLength:"3" maxLength:"500" required:"true" doc:"why the evidence is opened; it goes into the audit record"`
}

// View is everything that the investigator's page draws.
type View struct {
	Title      string                 `json:"title"`
	Signer     string                 `json:"signer" doc:"name"`
	SignedAt   time.Time              `json:"signedAt"`
	Questioned Sampled                `json:"questioned"`
	References []Sampled              `json:"references"`
	Comparison *biometrics.Comparison `json:"comparison,omitempty" doc:"absent where the signer refused the comparison"`
	Quality    biometrics.Quality     `json:"quality"`
	Timeline   json.RawMessage        `json:"timeline,omitempty" doc:"timeline.json of the deposit"`
	VideoURL   string                 `json:"videoUrl,omitempty"`
	Hashes     Hashes                 `json:"hashes"`
}

// Hashes tie what is shown to the deposit; SHA-256 in lower-case hex.
type Hashes struct {
	Document string            `json:"document" doc:"the PDF as uploaded"`
	Signed   string            `json:"signed" doc:"the newest signed PDF"`
	Deposit  string            `json:"deposit,omitempty"`
	Files    map[string]string `json:"files" doc:"each file of the capture"`
}

// Sampled is one signature, a column for each channel.
type Sampled struct {
	ID         string         `json:"id"`
	Label      string         `json:"label"`
	At         time.Time      `json:"at"`
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

type openOutput struct{ Body View }

func (h *Handler) open(ctx context.Context, in *openInput) (*openOutput, error) {
	if _, err := h.allowed(ctx, in.ID); err != nil {
		return nil, err
	}
	x, err := h.Ceremony.Exhibit(ctx, in.ID, in.Signer, in.Reason)
	if err != nil {
		return nil, err
	}
	d := x.Document
	v := View{
		Title: d.Title, Signer: x.Signer.Name, SignedAt: x.Signer.SignedAt,
		Questioned: sampled("questioned", string(x.Capture.ID), x.Capture.StartedAt, x.Questioned),
		References: []Sampled{},
		Comparison: x.Signer.Comparison, Quality: x.Capture.Quality, Timeline: x.Timeline,
		Hashes: Hashes{Document: d.Source.SHA256.String(), Signed: d.Current.SHA256.String(), Files: map[string]string{}},
	}
	for _, r := range x.References {
		v.References = append(v.References, sampled("reference", string(r.ID), r.EnrolledAt, r.Signature))
	}
	if _, err := x.Capture.File(ceremony.VideoFile); err == nil {
		v.VideoURL = "/api/investigate/documents/" + in.ID + "/signers/" + in.Signer + "/video"
	}
	for _, f := range x.Capture.Files {
		v.Hashes.Files[f.Name] = f.Object.SHA256.String()
	}
	if d.Deposit != nil {
		v.Hashes.Deposit = d.Deposit.Object.SHA256.String()
	}
	return &openOutput{v}, nil
}

func sampled(label, id string, at time.Time, s capture.Signature) Sampled {
	n := len(s.Points)
	out := Sampled{ID: id, Label: label, At: at, Device: s.Device, UnitsPerMM: s.Device.UnitsPerMM, Points: Points{
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

func (h *Handler) video(w http.ResponseWriter, r *http.Request) error {
	d, err := h.allowed(r.Context(), r.PathValue("id"))
	if err != nil {
		return err
	}
	s, err := d.Signer(r.PathValue("signer"))
	if err != nil {
		return err
	}
	c := s.ConfirmedCapture()
	if c == nil {
		return ceremony.ErrNotFound
	}
	o, err := c.File(ceremony.VideoFile)
	if err != nil {
		return err
	}
	return api.ServeObject(w, r, h.Vault, o, "selfie.webm", api.Inline)
}
