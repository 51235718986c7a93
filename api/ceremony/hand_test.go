package ceremony

import (
	"errors"
	"testing"
	"time"
)

const day = 24 * time.Hour

// TestReminders: a signer who does not sign is reminded every three days, five
// times; one who has signed is not.
func TestReminders(t *testing.T) {
	d := planned(t, 2)
	if _, err := d.SetReminders(3); err != nil {
		t.Fatal(err)
	}
	if !d.RemindAt().IsZero() {
		t.Error("a draft reminds somebody")
	}
	if _, err := d.Send(start, counter("secret")); err != nil {
		t.Fatal(err)
	}
	if got := d.RemindAt(); !got.Equal(start.Add(3 * day)) {
		t.Errorf("first reminder at %v", got)
	}
	if e := d.remindNow(start.Add(3*day-time.Second), counter("early")); len(e.Mails) != 0 {
		t.Error("reminded too early")
	}
	for n := 1; n <= MaxReminders; n++ {
		e := d.remindNow(start.Add(time.Duration(n)*3*day), counter("r"))
		if len(e.Mails) != 1 || e.Mails[0].Kind != MailReminder || e.Mails[0].To != "s0@example.org" || len(e.Grants) != 1 || len(e.Revoked) != 0 {
			t.Fatalf("reminder %d: %+v", n, e)
		}
	}
	if !d.RemindAt().IsZero() {
		t.Errorf("a sixth reminder at %v", d.RemindAt())
	}
	d.signedBy(d.Signers[0], start.Add(20*day), counter("next"))
	if got := d.RemindAt(); !got.Equal(start.Add(23 * day)) {
		t.Errorf("the second signer is reminded at %v", got)
	}
	if _, err := d.SetReminders(0); err != nil || !d.RemindAt().IsZero() {
		t.Errorf("switched off: %v, %v", err, d.RemindAt())
	}
	if _, err := d.SetReminders(MaxRemindDays + 1); !errors.Is(err, ErrInvalid) {
		t.Errorf("too rare: %v", err)
	}
	d.State = Completed
	if _, err := d.SetReminders(1); !errors.Is(err, ErrState) {
		t.Errorf("of a completed document: %v", err)
	}
}

// TestHandRound: on a device that goes round nobody gets a mail, one signer
// after the other takes it, and an earlier link ends.
func TestHandRound(t *testing.T) {
	d := planned(t, 2)
	e, err := d.HandRound(start, "device")
	if err != nil || len(e.Mails) != 0 || len(e.Grants) != 1 || e.Grants[0].Kind != HandGrant || e.Grants[0].Signer != d.ID {
		t.Fatalf("handing round: %+v, %v", e, err)
	}
	if _, err := d.Take("s2", start, "session"); !errors.Is(err, ErrNotYourTurn) {
		t.Errorf("the second signer first: %v", err)
	}
	e, err = d.Take("s1", start, "session")
	if err != nil || len(e.Grants) != 1 || e.Grants[0].Kind != SessionGrant || e.Revoked[0] != "s1" || e.Events[0].Detail != inPerson {
		t.Fatalf("the first signer: %+v, %v", e, err)
	}
	d.Signers[0].State = Signed
	if _, err := d.Take("s1", start, "session"); !errors.Is(err, ErrState) {
		t.Errorf("taken again by one who has signed: %v", err)
	}
	d.Signers[0].State = Opened
	if e := d.signedBy(d.Signers[0], start, counter("next")); len(e.Mails) != 0 || len(e.Grants) != 0 || d.Waiting() != d.Signers[1] {
		t.Errorf("the second signer is invited by %+v", e)
	}
	if e, err := d.Remind(start, counter("mail")); err != nil || len(e.Mails) != 1 || d.InPerson {
		t.Errorf("by mail after all: %+v, %v", e, err)
	}
	if _, err := d.Take("s2", start, "session"); !errors.Is(err, ErrState) {
		t.Errorf("taken after a link was sent: %v", err)
	}
	if e, err := d.HandRound(start, "again"); err != nil || len(e.Revoked) != 2 || e.Revoked[0] != "s2" {
		t.Errorf("handed round after a link was sent: %+v, %v", e, err)
	}
	d.State = Declined
	if _, err := d.HandRound(start, "late"); !errors.Is(err, ErrState) {
		t.Errorf("a closed document: %v", err)
	}
}

// TestCorrect: a signer who has not begun is replaced, and the link before ends.
func TestCorrect(t *testing.T) {
	d := planned(t, 2)
	if _, err := d.Send(start, counter("secret")); err != nil {
		t.Fatal(err)
	}
	right := SignerPlan{Name: "Right Person", Email: "right@example.org", Language: "fr"}
	e, err := d.Correct("s1", right, start, counter("new"))
	if err != nil || len(e.Mails) != 1 || e.Mails[0].To != "right@example.org" || e.Mails[0].Language != "fr" || e.Revoked[0] != "s1" {
		t.Fatalf("corrected: %+v, %v", e, err)
	}
	if e, err := d.Correct("s2", SignerPlan{Name: "Later", Email: "later@example.org"}, start, counter("new")); err != nil || len(e.Mails) != 0 || d.Signers[1].Email != "later@example.org" {
		t.Errorf("one whose turn has not come: %+v, %v", e, err)
	}
	if _, err := d.Correct("s1", SignerPlan{Name: "x", Email: "nowhere"}, start, counter("new")); !errors.Is(err, ErrInvalid) || d.Signers[0].Email != "right@example.org" {
		t.Errorf("no address: %v", err)
	}
	// A code goes to the telephone of whoever signs now.
	for _, phone := range []string{"+33611111111", "+33622222222"} {
		if _, err := d.Correct("s1", SignerPlan{Name: "Right Person", Email: "right@example.org", Second: true, Phone: phone}, start, counter("phone")); err != nil || d.Signers[0].Phone() != phone {
			t.Errorf("a code to %s: %v, goes to %q", phone, err, d.Signers[0].Phone())
		}
	}
	if _, err := d.Correct("s1", right, start, counter("none")); err != nil || d.Signers[0].Second != nil {
		t.Errorf("no code any more: %v, %+v", err, d.Signers[0].Second)
	}
	if _, err := d.Open("s1", start, "session"); err != nil {
		t.Fatal(err)
	}
	if _, err := d.Consent("s1", Consent{Purpose: ForVideo, TextVersion: ConsentVersion, Language: "fr", At: start}); err != nil {
		t.Fatal(err)
	}
	if _, err := d.Correct("s1", right, start, counter("late")); !errors.Is(err, ErrState) {
		t.Errorf("one who has begun: %v", err)
	}
}
