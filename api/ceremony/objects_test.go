package ceremony

import (
	"errors"
	"slices"
	"testing"
	"time"

	"inkwitness/evidence"
)

func stored(key string, at int) evidence.Object {
	return evidence.Object{Meta: evidence.Meta{Key: key}, Stored: time.Unix(int64(at), 0)}
}

// TestWhatADocumentRefersTo: what it is made from while it is made, what stands
// for ten years afterwards, and nothing where it came to nothing.
func TestWhatADocumentRefersTo(t *testing.T) {
	file := func(key string) []File { return []File{{Name: PenFile, Object: stored(key, 1)}} }
	d := &Document{State: Sent, Source: stored("source", 1), Current: stored("source", 1), SealState: []byte("seal"), Signers: []*Signer{{
		SealState: []byte("signature"),
		Captures: []*Capture{
			{Kind: SignatureCapture, State: CaptureFinished, Files: file("pen")},
			{Kind: SignatureCapture, State: CaptureDiscarded, Files: file("thrown away")},
			{Kind: ReferenceCapture, State: CaptureFinished, Files: file("reference")},
		},
	}}}
	kept := func(state []byte) ([]evidence.Object, error) {
		switch string(state) {
		case "seal":
			return []evidence.Object{stored("part", 1), stored("pen", 1)}, nil
		case "signature":
			return []evidence.Object{stored("work", 1), stored("work", 2), {}}, nil
		}
		return nil, nil
	}
	check := func(when string, want ...string) {
		t.Helper()
		objects, err := d.objects(kept)
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, o := range objects {
			got = append(got, o.Key)
			if o.Key == "work" && o.Stored.Unix() != 2 {
				t.Errorf("%s: the older of two blobs under one key", when)
			}
		}
		if slices.Sort(got); !slices.Equal(got, want) {
			t.Errorf("%s: refers to %v, want %v", when, got, want)
		}
	}
	check("in the making", "part", "pen", "source", "work")
	now := time.Date(2024, 2, 29, 12, 0, 0, 0, time.UTC)
	d.Signers[0].SealState = nil
	d.completed(Deposit{ID: "d", Object: stored("container", 3), Document: stored("signed", 3), RetainUntil: keepDeposit(now)}, now, func() string { return "s" })
	check("completed", "container", "pen", "signed")
	if end := d.Signers[0].Captures[0].Files[0].Object.DeleteAfter; !end.Equal(time.Date(2034, 3, 1, 12, 0, 0, 0, time.UTC)) {
		t.Errorf("the recording ends %v, not with the deposit", end)
	}
	for _, d.State = range []State{Declined, Cancelled} {
		check(string(d.State))
	}
	d.State = Sent
	broken := errors.New("broken")
	if _, err := d.objects(func([]byte) ([]evidence.Object, error) { return nil, broken }); !errors.Is(err, broken) {
		t.Errorf("a state that cannot be read: %v", err)
	}
}
