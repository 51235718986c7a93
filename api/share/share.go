// Package share is what colleagues do together on a document: its owner shares
// it with accounts that may see, edit or use it, and who may read it can comment.
//
// It is not for signers, who come by a link, nor for other organisations: what
// leaves the organisation goes as a deposit or by a staff grant.
package share

import (
	"context"
	"errors"
	"fmt"
	"time"

	"inkwitness/api"
	"inkwitness/api/ceremony"
	"inkwitness/capture"
)

// Documents finds a document, or ceremony.ErrNotFound.
type Documents interface {
	Document(ctx context.Context, id string) (*ceremony.Document, error)
}

// Store keeps shares and comments. Its parts are safe for concurrent use, durable
// on return, and join the transaction of ctx; what is missing is api.ErrNotFound.
type Store interface {
	People
	Shared
	Comments
	Records
}

// People are who a document can be shared with.
type People interface {
	Account(ctx context.Context, id string) (api.Account, error)
	Members(ctx context.Context, organisation string) ([]api.Member, error)
}

// Shared keeps who may do what. SetShare replaces an earlier level.
type Shared interface {
	api.Shares
	SharesOf(ctx context.Context, document string) ([]api.Share, error)
	SetShare(ctx context.Context, s api.Share) error
	DeleteShare(ctx context.Context, document, account string) error
}

// Comments keeps remarks, the oldest first.
type Comments interface {
	CommentsOf(ctx context.Context, document string) ([]api.Comment, error)
	AddComment(ctx context.Context, c api.Comment) error
	DeleteComment(ctx context.Context, document, id string) error
}

// Records are transactions, the audit record, and the count of tries.
type Records interface {
	Tx(ctx context.Context, fn func(ctx context.Context) error) error
	AppendAudit(ctx context.Context, e api.Event) error
	Hit(ctx context.Context, name, who string, window time.Duration, now time.Time) (int, time.Time, error)
}

// Notices queues mails in the transaction of ctx.
type Notices interface {
	Notify(ctx context.Context, n api.Notice) error
}

// Config is what a Handler needs; all of it.
type Config struct {
	Documents Documents
	Store     Store
	Notices   Notices
	Clock     capture.Clock
}

// Handler serves shares and comments.
type Handler struct{ cfg Config }

// New returns a Handler.
func New(cfg Config) (*Handler, error) {
	if cfg.Documents == nil || cfg.Store == nil || cfg.Notices == nil || cfg.Clock == nil {
		return nil, errors.New("share: a part is missing")
	}
	return &Handler{cfg}, nil
}

const tag = "Sharing"

// Mount implements api.Handler.
func (h *Handler) Mount(a *api.API) {
	api.Register(a, api.Route{Method: "GET", Path: "/api/documents/{id}/shares", ID: "listShares", Tag: tag,
		Summary: "With whom a document is shared"}, h.list)
	api.Register(a, api.Route{Method: "PUT", Path: "/api/documents/{id}/shares", ID: "shareDocument", Tag: tag,
		Summary: "Share a document with a member of the organisation, who is told by mail"}, h.share)
	api.Register(a, api.Route{Method: "DELETE", Path: "/api/documents/{id}/shares/{account}", ID: "unshareDocument", Tag: tag, Status: 204}, h.unshare)
	api.Register(a, api.Route{Method: "GET", Path: "/api/documents/{id}/comments", ID: "listComments", Tag: tag,
		Summary: "The comments on a document, the oldest first"}, h.comments)
	api.Register(a, api.Route{Method: "POST", Path: "/api/documents/{id}/comments", ID: "addComment", Tag: tag, Status: 201,
		Summary: "Comment on a document; those who may read it see the text and your display name"}, h.comment)
	api.Register(a, api.Route{Method: "DELETE", Path: "/api/documents/{id}/comments/{comment}", ID: "deleteComment", Tag: tag, Status: 204,
		Summary: "Delete a comment of one's own"}, h.deleteComment)
}

// load returns the document if the asker may do this to what is of it.
func (h *Handler) load(ctx context.Context, id string, action api.Action, kind api.ObjectKind) (*ceremony.Document, error) {
	d, err := h.cfg.Documents.Document(ctx, id)
	if err != nil {
		return nil, err
	}
	who := api.IdentityOf(ctx)
	o, err := api.SharedWith(ctx, h.cfg.Store, who, d.ID, api.Object{Kind: kind, Organisation: d.Organisation, Owner: d.Owner})
	if err != nil {
		return nil, fmt.Errorf("what is shared of a document: %w", err)
	}
	return d, api.Allow(who, action, o)
}

// Limits of one person in an hour, and of one document. They fail closed: when
// the count cannot be kept, the answer is no.
const (
	sharesAnHour   = 100
	commentsAnHour = 100
	maxComments    = 1000
)

func (h *Handler) hit(ctx context.Context, name string, max int) error {
	now := h.cfg.Clock.Now()
	n, ends, err := h.cfg.Store.Hit(ctx, name, api.IdentityOf(ctx).Account, time.Hour, now)
	if err != nil {
		return fmt.Errorf("limit %s: %w: %w", name, api.ErrUnavailable, err)
	}
	if n > max {
		return &api.Explained{Detail: "Too many for now. Wait before you try again.", Retry: ends.Sub(now), Err: api.ErrTooMany}
	}
	return nil
}

// record adds a line about what the asker did to a document.
func (h *Handler) record(ctx context.Context, kind string, d *ceremony.Document, detail api.Detail) error {
	return h.cfg.Store.AppendAudit(ctx, api.Event{At: h.cfg.Clock.Now(), Kind: kind, Organisation: d.Organisation,
		Account: api.IdentityOf(ctx).Account, Object: "document:" + d.ID, Detail: detail})
}

// tell mails somebody that there is something on the document's page. The mail
// names who did it and carries no content.
func (h *Handler) tell(ctx context.Context, kind api.NoticeKind, account, key string, d *ceremony.Document) error {
	to, err := h.cfg.Store.Account(ctx, account)
	if errors.Is(err, api.ErrNotFound) {
		return nil // erased meanwhile
	}
	if err != nil {
		return err
	}
	by, err := h.cfg.Store.Account(ctx, api.IdentityOf(ctx).Account)
	if err != nil {
		return err
	}
	return h.cfg.Notices.Notify(ctx, api.Notice{Kind: kind, To: to.Email, Language: to.Language, Organisation: d.Organisation,
		Account: by.ID, Link: "/#/documents/" + d.ID, Values: map[string]string{"sender": displayName(by)}, Key: string(kind) + ":" + key + ":" + account})
}

// displayName is all that others see of an account: the name that it chose.
func displayName(a api.Account) string {
	if a.Name != "" {
		return a.Name
	}
	return "A colleague"
}
