package api

import (
	"context"
	"slices"
	"time"
)

// Level is how much of a document its owner shares with a colleague. Each gives
// what the one before gives, and more.
type Level string

// The levels of sharing.
const (
	See  Level = "see"  // read the document, its state and its comments; comment
	Edit Level = "edit" // also name signers and place fields
	Use  Level = "use"  // also send, remind, withdraw and download
)

// Levels are all levels, the smallest first.
func Levels() []Level { return []Level{See, Edit, Use} }

// Actions lists what a level opens on objects of a kind. What a role may never do
// stays closed whatever is shared: the access table is asked, too.
func (l Level) Actions(kind ObjectKind) []Action {
	rank := slices.Index(Levels(), l)
	if rank < 0 {
		return nil
	}
	var out []Action
	for i, by := range []map[ObjectKind][]Action{
		{DocumentObject: {List, Read}, CeremonyObject: {Read}, DepositObject: {List, Read}, CommentObject: {List, Create}},
		{DocumentObject: {Update}},
		{DocumentObject: {Send, Export}, DepositObject: {Export}},
	} {
		if i <= rank {
			out = append(out, by[kind]...)
		}
	}
	return out
}

// Share lets one account of the organisation at a document of somebody else.
type Share struct {
	Document     string
	Organisation string
	Account      string
	Level        Level
	By           string // account
	Created      time.Time
	Name, Email  string // of the account
}

// Comment is a remark on a document, for those who may read it.
type Comment struct {
	ID       string
	Document string
	Account  string // who wrote it
	Created  time.Time
	Text     string // plain text; sealed at rest under the document's key
}

// Shares tells what is shared with whom; "" is nothing.
type Shares interface {
	ShareLevel(ctx context.Context, document, account string) (Level, error)
}

// SharedWith adds to an object what is shared of it with the identity.
func SharedWith(ctx context.Context, shares Shares, id Identity, document string, o Object) (Object, error) {
	if id.Account == "" || id.Account == o.Owner || id.Organisation != o.Organisation {
		return o, nil
	}
	level, err := shares.ShareLevel(ctx, document, id.Account)
	o.Shared = level.Actions(o.Kind)
	return o, err
}
