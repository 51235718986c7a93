package signing

import (
	"context"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"io"
	"mime"
	"net/http"
	"strconv"
	"strings"

	"inkwitness/api"
	"inkwitness/api/ceremony"
	"inkwitness/biometrics"
	"inkwitness/capture"
)

type startInput struct {
	Body struct {
		Kind   ceremony.CaptureKind `json:"kind" enum:"reference,signature"`
		Device DeviceFacts          `json:"device,omitempty"`
		Media  struct {
			Video bool `json:"video"`
			Audio bool `json:"audio"`
		} `json:"media,omitempty"`
	}
}

// DeviceFacts is what a page knows of the device when a capture begins. What the
// sample points show counts for more.
type DeviceFacts struct {
	Pointer      capture.PointerType `json:"pointer,omitempty" enum:"pen,touch,mouse,"`
	UnitsPerMM   float64             `json:"unitsPerMM,omitempty" doc:"position units to a millimetre"`
	NominalScale bool                `json:"nominalScale,omitempty" doc:"the scale is that of CSS pixels"`
	HasPressure  bool                `json:"hasPressure,omitempty"`
	HasTilt      bool                `json:"hasTilt,omitempty"`
	HasInAir     bool                `json:"hasInAir,omitempty"`
	HasTime      bool                `json:"hasTime,omitempty"`
	System       string              `json:"system,omitempty" maxLength:"100"`
	DeviceID     string              `json:"deviceId,omitempty" maxLength:"64" doc:"random, made by the page and kept in its own storage"`
	Pad          struct {
		Width  float64 `json:"width" doc:"CSS px"`
		Height float64 `json:"height" doc:"CSS px"`
	} `json:"pad,omitempty"`
	PixelRatio float64 `json:"pixelRatio,omitempty"`
	Camera     struct {
		Label     string  `json:"label,omitempty" maxLength:"200"`
		Width     int     `json:"width,omitempty"`
		Height    int     `json:"height,omitempty"`
		FrameRate float64 `json:"frameRate,omitempty"`
	} `json:"camera,omitempty"`
}

func (f DeviceFacts) browser(c api.Client) ceremony.BrowserFacts {
	return ceremony.BrowserFacts{
		System: f.System, Browser: c.Browser, Language: c.Language, Address: c.Address, DeviceID: f.DeviceID,
		PadWidth: f.Pad.Width, PadHeight: f.Pad.Height, PixelRatio: f.PixelRatio,
		Camera: ceremony.CameraFacts{Label: f.Camera.Label, Width: f.Camera.Width, Height: f.Camera.Height, FrameRate: f.Camera.FrameRate},
	}
}

// CaptureView is an open capture and where its streams go.
type CaptureView struct {
	ID         string      `json:"id"`
	Nonce      string      `json:"nonce" doc:"32 bytes in lower-case hex, bound into both streams"`
	PenURL     string      `json:"penUrl" doc:"path of the WebSocket"`
	MediaURL   string      `json:"mediaUrl" doc:"path that takes the WHIP offer, and of the WebSocket for a MediaRecorder's chunks"`
	ICEServers []ICEServer `json:"iceServers"`
	ReceiptKey string      `json:"receiptKey" doc:"Ed25519 public key of receipts, base64"`
}

type startOutput struct{ Body CaptureView }

func (h *Handler) start(ctx context.Context, in *startInput) (*startOutput, error) {
	d, s, err := h.me(ctx, api.Sign, api.CeremonyObject)
	if err != nil {
		return nil, err
	}
	c, err := h.Ceremony.StartCapture(ctx, d.ID, s.ID, ceremony.Capture{
		Kind: in.Body.Kind, Device: capture.Device{Pointer: in.Body.Device.Pointer},
		WithVideo: in.Body.Media.Video, WithAudio: in.Body.Media.Audio,
		Browser: in.Body.Device.browser(api.ClientOf(ctx)),
	})
	if err != nil {
		return nil, err
	}
	base := "/api/signing/captures/" + string(c.ID)
	return &startOutput{CaptureView{
		ID: string(c.ID), Nonce: hex.EncodeToString(c.Nonce), PenURL: base + "/pen", MediaURL: base + "/media",
		ICEServers: h.Media.Servers(c.ID), ReceiptKey: base64.StdEncoding.EncodeToString(h.ReceiptKey),
	}}, nil
}

// CaptureOf returns the open capture that a request is about, if the signer who
// asks may record to it. The pen socket asks before it upgrades.
func (h *Handler) CaptureOf(r *http.Request) (*ceremony.Capture, error) {
	d, s, err := h.me(r.Context(), api.Sign, api.CeremonyObject)
	if err != nil {
		return nil, err
	}
	return h.Ceremony.OpenCapture(r.Context(), d.ID, s.ID, capture.SessionID(r.PathValue("id")))
}

// sessionOf is the hash of the signing session of a request.
func (h *Handler) sessionOf(r *http.Request) [32]byte {
	cookie, err := r.Cookie(h.cookie)
	if err != nil {
		return [32]byte{}
	}
	return ceremony.HashSecret(cookie.Value)
}

func (h *Handler) pen(w http.ResponseWriter, r *http.Request) error {
	c, err := h.CaptureOf(r)
	if err != nil {
		return err
	}
	defer h.watched.hold(c.ID, h.sessionOf(r))()
	h.Pen.ServeHTTP(w, r)
	return nil
}

// MediaCaptureOf is CaptureOf for a capture that was opened with video or sound.
func (h *Handler) MediaCaptureOf(r *http.Request) (*ceremony.Capture, error) {
	c, err := h.CaptureOf(r)
	if err == nil && !c.WithVideo && !c.WithAudio {
		err = api.Explain(ceremony.ErrNoConsent, "This capture was opened without video.")
	}
	return c, err
}

func (h *Handler) chunks(w http.ResponseWriter, r *http.Request) error {
	c, err := h.MediaCaptureOf(r)
	if err != nil {
		return err
	}
	defer h.watched.hold(c.ID, h.sessionOf(r))()
	h.Chunks.ServeHTTP(w, r)
	return nil
}

func (h *Handler) offer(w http.ResponseWriter, r *http.Request) error {
	c, err := h.MediaCaptureOf(r)
	if err != nil {
		return err
	}
	if kind, _, _ := mime.ParseMediaType(r.Header.Get("Content-Type")); kind != "application/sdp" {
		return api.Explain(api.ErrInvalid, "Send the offer as application/sdp (RFC 9725, section 4.2).")
	}
	sdp, err := readAll(r)
	if err != nil {
		return err
	}
	answer, err := h.Media.Offer(r.Context(), c.ID, sdp)
	if err != nil {
		return err
	}
	h.watched.keep(c.ID, h.sessionOf(r))
	w.Header().Set("Content-Type", "application/sdp")
	w.Header().Set("ETag", strconv.Quote(answer.Tag))
	w.Header().Set("Location", "/api/signing/captures/"+string(c.ID)+"/media/"+answer.Resource)
	w.WriteHeader(http.StatusCreated)
	_, _ = io.WriteString(w, answer.SDP) // the client is gone; its connection times out
	return nil
}

func (h *Handler) patch(w http.ResponseWriter, r *http.Request) error {
	if _, err := h.CaptureOf(r); err != nil {
		return err
	}
	fragment, err := readAll(r)
	if err != nil {
		return err
	}
	answer, err := h.Media.Patch(r.Context(), r.PathValue("resource"), strings.Trim(r.Header.Get("If-Match"), `"`), fragment)
	if err != nil {
		return err
	}
	if answer.SDP == "" {
		w.WriteHeader(http.StatusNoContent)
		return nil
	}
	w.Header().Set("Content-Type", "application/trickle-ice-sdpfrag")
	w.Header().Set("ETag", strconv.Quote(answer.Tag))
	_, _ = io.WriteString(w, answer.SDP) // as above
	return nil
}

// closeMedia ends a connection. One that ended already, or whose capture was
// finished meanwhile, is closed all the same.
func (h *Handler) closeMedia(w http.ResponseWriter, r *http.Request) error {
	d, s, err := h.me(r.Context(), api.Sign, api.CeremonyObject)
	if err != nil {
		return err
	}
	_, err = h.Ceremony.OpenCapture(r.Context(), d.ID, s.ID, capture.SessionID(r.PathValue("id")))
	if err == nil {
		err = h.Media.Close(r.Context(), r.PathValue("resource"))
	}
	if err != nil && !errors.Is(err, capture.ErrNotFound) && !errors.Is(err, api.ErrConflict) {
		return err
	}
	w.WriteHeader(http.StatusNoContent)
	return nil
}

type captureInput struct {
	ID string `path:"id" pattern:"^[0-9a-f]{32}$"`
}

// ResultView is what became of a finished capture.
type ResultView struct {
	Accepted bool               `json:"accepted" doc:"false: thrown away, sign again for the reasons in problems"`
	Quality  biometrics.Quality `json:"quality"`
	Problems []ProblemView      `json:"problems" doc:"why it was not accepted"`
	Warnings []ProblemView      `json:"warnings" doc:"what makes it less good than it could be"`
	Signing  View               `json:"signing" doc:"the ceremony after this capture"`
}

// ProblemView is one reason with a stable code and a plain sentence.
type ProblemView struct {
	Code    string `json:"code"`
	Message string `json:"message"`
}

type resultOutput struct{ Body ResultView }

func (h *Handler) finish(ctx context.Context, in *captureInput) (*resultOutput, error) {
	d, s, err := h.me(ctx, api.Sign, api.CeremonyObject)
	if err != nil {
		return nil, err
	}
	c, err := h.Ceremony.FinishCapture(ctx, d.ID, s.ID, capture.SessionID(in.ID))
	if err != nil {
		return nil, err
	}
	h.watched.forget(c.ID)
	d, s, err = h.me(ctx, api.Read, api.CeremonyObject)
	if err != nil {
		return nil, err
	}
	view, err := h.view(ctx, d, s)
	if err != nil {
		return nil, err
	}
	result := ResultView{Accepted: !c.Refused(), Quality: c.Quality, Problems: []ProblemView{}, Warnings: []ProblemView{}, Signing: view}
	for _, p := range c.Problems {
		if p.Severity == biometrics.Refusal {
			result.Problems = append(result.Problems, ProblemView{p.Code, p.Text})
		} else {
			result.Warnings = append(result.Warnings, ProblemView{p.Code, p.Text})
		}
	}
	return &resultOutput{result}, nil
}

func (h *Handler) discard(ctx context.Context, in *captureInput) (*viewOutput, error) {
	d, s, err := h.me(ctx, api.Sign, api.CeremonyObject)
	if err != nil {
		return nil, err
	}
	id := capture.SessionID(in.ID)
	if d, err = h.Ceremony.DiscardCapture(ctx, d.ID, s.ID, id); err == nil { // it is the signer's own
		h.watched.forget(id)
	}
	return h.after(ctx, d, s.ID, err)
}
