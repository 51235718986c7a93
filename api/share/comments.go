package share

import (
	"context"
	"fmt"
	"strings"
	"time"
	"unicode"

	"inkwitness/api"
	"inkwitness/api/ceremony"
)

// CommentView is a comment as those who may read the document see it.
type CommentView struct {
	ID   string    `json:"id"`
	At   time.Time `json:"at"`
	Who  string    `json:"who" doc:"display name; nothing else of the account is shown"`
	Mine bool      `json:"mine" doc:"written by who asks, who may delete it"`
	Text string    `json:"text" doc:"plain text: to be shown as it stands, never as HTML"`
}

type commentsOut struct {
	Body struct {
		Comments []CommentView `json:"comments"`
	}
}

func (h *Handler) comments(ctx context.Context, in *listIn) (*commentsOut, error) {
	d, err := h.load(ctx, in.ID, api.List, api.CommentObject)
	if err != nil {
		return nil, err
	}
	all, err := h.cfg.Store.CommentsOf(ctx, d.ID)
	if err != nil {
		return nil, fmt.Errorf("list comments: %w", err)
	}
	names := map[string]string{}
	out := &commentsOut{}
	out.Body.Comments = make([]CommentView, 0, len(all))
	for _, c := range all {
		out.Body.Comments = append(out.Body.Comments, h.view(ctx, c, names))
	}
	return out, nil
}

func (h *Handler) view(ctx context.Context, c api.Comment, names map[string]string) CommentView {
	if _, known := names[c.Account]; !known {
		acc, err := h.cfg.Store.Account(ctx, c.Account)
		if err != nil {
			acc.Name = "erased account"
		}
		names[c.Account] = displayName(acc)
	}
	return CommentView{c.ID, c.Created, names[c.Account], c.Account == api.IdentityOf(ctx).Account, c.Text}
}

type commentIn struct {
	ID   string `path:"id" pattern:"^[0-9a-f]{32}$"`
	Body struct {
		Text string `json:"text" minLength:"1" maxLength:"4000"`
	}
}

type commentOut struct{ Body CommentView }

// comment keeps the text as it was typed, without what cannot be seen, and tells
// the others who may read it.
func (h *Handler) comment(ctx context.Context, in *commentIn) (*commentOut, error) {
	d, err := h.load(ctx, in.ID, api.Create, api.CommentObject)
	if err != nil {
		return nil, err
	}
	text := visible(in.Body.Text)
	if text == "" {
		return nil, api.Explain(api.ErrInvalid, "Write something first.")
	}
	if err := h.hit(ctx, "comments", commentsAnHour); err != nil {
		return nil, err
	}
	c := api.Comment{ID: api.NewID(), Document: d.ID, Account: api.IdentityOf(ctx).Account, Created: h.cfg.Clock.Now().UTC(), Text: text}
	err = h.cfg.Store.Tx(ctx, func(ctx context.Context) error {
		all, err := h.cfg.Store.CommentsOf(ctx, d.ID)
		if err != nil {
			return err
		}
		if len(all) >= maxComments {
			return api.Explain(api.ErrConflict, "There are %d comments on this document already. Delete some first.", maxComments)
		}
		if err := h.cfg.Store.AddComment(ctx, c); err != nil {
			return err
		}
		if err := h.tellReaders(ctx, d, c); err != nil {
			return err
		}
		return h.record(ctx, "comment.added", d, api.Detail{"comment": c.ID})
	})
	if err != nil {
		return nil, fmt.Errorf("comment on a document: %w", err)
	}
	return &commentOut{h.view(ctx, c, map[string]string{})}, nil
}

// visible drops what could hide or reorder text: control and format characters
// other than line breaks and tabs.
func visible(s string) string {
	return strings.TrimSpace(strings.Map(func(r rune) rune {
		if r != '\n' && r != '\t' && (unicode.IsControl(r) || unicode.Is(unicode.Cf, r)) {
			return -1
		}
		return r
	}, s))
}

func (h *Handler) tellReaders(ctx context.Context, d *ceremony.Document, c api.Comment) error {
	shares, err := h.cfg.Store.SharesOf(ctx, d.ID)
	if err != nil {
		return err
	}
	readers := []string{d.Owner}
	for _, s := range shares {
		readers = append(readers, s.Account)
	}
	for _, account := range readers {
		if account == c.Account {
			continue
		}
		if err := h.tell(ctx, api.NoticeComment, account, c.ID, d); err != nil {
			return err
		}
	}
	return nil
}

type deleteCommentIn struct {
	ID      string `path:"id" pattern:"^[0-9a-f]{32}$"`
	Comment string `path:"comment" pattern:"^[0-9a-f]{32}$"`
}

// deleteComment takes back a comment of one's own, also by somebody with whom the
// document is shared no more.
func (h *Handler) deleteComment(ctx context.Context, in *deleteCommentIn) (*struct{}, error) {
	d, err := h.cfg.Documents.Document(ctx, in.ID)
	if err != nil {
		return nil, err
	}
	return nil, h.cfg.Store.Tx(ctx, func(ctx context.Context) error {
		all, err := h.cfg.Store.CommentsOf(ctx, d.ID)
		if err != nil {
			return err
		}
		o := api.Object{Kind: api.CommentObject, Organisation: d.Organisation}
		for _, c := range all {
			if c.ID == in.Comment {
				o.Owner = c.Account
			}
		}
		if err := api.Allow(api.IdentityOf(ctx), api.Delete, o); err != nil {
			return err
		}
		if err := h.cfg.Store.DeleteComment(ctx, d.ID, in.Comment); err != nil {
			return err
		}
		return h.record(ctx, "comment.deleted", d, api.Detail{"comment": in.Comment})
	})
}
