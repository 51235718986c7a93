package signing

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"inkwitness/api"
	"inkwitness/api/ceremony"
)

// mountHand adds the routes of a device that goes round the signers of one
// document. Its cookie says which; it lets nobody read the document, only begin
// to sign as the signer whose turn it is.
func (h *Handler) mountHand(a *api.API) {
	api.Register(a, api.Route{Method: "GET", Path: "/api/signing/hand", ID: "handedDevice", Summary: "Whom a device that is handed round goes to next", Tag: tag, Public: true}, h.handed)
	api.Register(a, api.Route{Method: "POST", Path: "/api/signing/hand/take", ID: "takeDevice", Summary: "Begin to sign on a device that is handed round", Tag: tag, Public: true}, h.take)
	api.Register(a, api.Route{Method: "POST", Path: "/api/signing/hand/end", ID: "endHanding", Summary: "End handing the device round", Tag: tag, Public: true}, h.endHanding)
	api.Register(a, api.Route{Method: "POST", Path: "/api/signing/leave", ID: "leaveSigning", Summary: "End the signing session of this browser", Tag: tag, Public: true}, h.leave)
}

// HandView is a document that signers sign one after the other on one device.
type HandView struct {
	Title   string       `json:"title"`
	Sender  PersonView   `json:"sender"`
	Signers []SignerView `json:"signers" doc:"in the order in which they sign"`
	Next    string       `json:"next,omitempty" doc:"ID of the signer whose turn it is; empty while a signature is being sealed, and when nobody is left"`
	Over    bool         `json:"over" doc:"nobody is left to sign: give the device back"`
}

type handInput struct {
	Cookie string `header:"Cookie" hidden:"true"`
}

// secret reads a cookie of the request.
func (in handInput) secret(name string) (string, error) {
	cookies, err := http.ParseCookie(in.Cookie)
	if err == nil {
		for _, c := range cookies {
			if c.Name == name && c.Value != "" {
				return c.Value, nil
			}
		}
	}
	return "", api.Explain(api.ErrUnauthenticated, "This device is not handed round. Its owner starts that on the document's page.")
}

// device finds the document that this device goes round with.
func (h *Handler) device(ctx context.Context, in handInput) (string, *ceremony.Document, error) {
	secret, err := in.secret(h.hand)
	if err != nil {
		return "", nil, err
	}
	d, err := h.Ceremony.Handed(ctx, secret)
	if errors.Is(err, ceremony.ErrNotFound) {
		return "", nil, api.Explain(api.ErrUnauthenticated, "Handing this device round has ended.")
	}
	return secret, d, err
}

type handOutput struct{ Body HandView }

func (h *Handler) handed(ctx context.Context, in *handInput) (*handOutput, error) {
	_, d, err := h.device(ctx, *in)
	if err != nil {
		return nil, err
	}
	sender, err := h.Names.SenderName(ctx, d.Organisation, d.Owner)
	if err != nil {
		return nil, fmt.Errorf("find the sender's name: %w", err)
	}
	v := HandView{Title: d.Title, Sender: PersonView{sender}, Signers: []SignerView{}, Over: d.State != ceremony.Sent || !d.InPerson}
	for _, s := range d.Signers {
		v.Signers = append(v.Signers, SignerView{ID: s.ID, Name: s.Name, Language: s.Language, State: s.State})
	}
	if s := d.Waiting(); s != nil && d.InPerson {
		v.Next = s.ID
	}
	return &handOutput{v}, nil
}

type takeInput struct {
	Cookie string `header:"Cookie" hidden:"true"`
	Body   struct {
		Signer string `json:"signer" pattern:"^[0-9a-f]{32}$" doc:"who says to be holding the device"`
	}
}

func (h *Handler) take(ctx context.Context, in *takeInput) (*openOutput, error) {
	secret, _, err := h.device(ctx, handInput{in.Cookie})
	if err != nil {
		return nil, err
	}
	session, d, err := h.Ceremony.Take(ctx, secret, in.Body.Signer)
	if err != nil {
		return nil, err
	}
	s, err := d.Signer(in.Body.Signer)
	if err != nil {
		return nil, err
	}
	view, err := h.view(ctx, d, s)
	if err != nil {
		return nil, err
	}
	return &openOutput{SetCookie: *h.cookies("signer", session, int(ceremony.SessionLifetime/time.Second)), Body: view}, nil
}

type leaveOutput struct {
	SetCookie http.Cookie `header:"Set-Cookie"`
}

func (h *Handler) endHanding(ctx context.Context, in *handInput) (*leaveOutput, error) {
	return h.end(ctx, *in, h.hand, api.HandCookie)
}

func (h *Handler) leave(ctx context.Context, in *handInput) (*leaveOutput, error) {
	return h.end(ctx, *in, h.cookie, "signer")
}

// end ends what a cookie stands for, here and in the browser.
func (h *Handler) end(ctx context.Context, in handInput, cookie, name string) (*leaveOutput, error) {
	if secret, err := in.secret(cookie); err == nil {
		if err := h.Ceremony.Leave(ctx, secret); err != nil {
			return nil, fmt.Errorf("end the session: %w", err)
		}
	}
	return &leaveOutput{SetCookie: *h.cookies(name, "", -1)}, nil
}
