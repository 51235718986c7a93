package investigate_test

import (
	"bytes"
	"context"
	"encoding/csv"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"inkwitness/api"
	"inkwitness/api/ceremony"
	"inkwitness/api/dispute"
	"inkwitness/api/investigate"
	"inkwitness/api/mail"
	"inkwitness/api/store"
	"inkwitness/api/store/pgtest"
	"inkwitness/api/store/storetest"
	"inkwitness/biometrics"
	"inkwitness/biometrics/compare"
	"inkwitness/capture"
	"inkwitness/capture/interchange"
	"inkwitness/evidence"
	"inkwitness/evidence/deposit"
	"inkwitness/evidence/vault"
)

func TestMain(m *testing.M) { os.Exit(pgtest.Main(m)) }

// both runs a test over each database.
func both(t *testing.T, test func(*testing.T, *service)) {
	t.Run("sqlite", func(t *testing.T) { test(t, newService(t, storetest.SQLite(t))) })
	t.Run("postgres", func(t *testing.T) { test(t, newService(t, pgtest.Copy(t, "schema", storetest.Migrate))) })
}

// service is the handler over a real database, vault and comparator, with one
// signed document. Who asks is said by a header.
type service struct {
	t        *testing.T
	clock    *storetest.Clock
	store    *store.Accounts
	disputes *dispute.Service
	vault    *vault.Vault
	handler  http.Handler
	document string
	signer   string
}

type comparing struct{ *compare.Comparator }

func (comparing) Describe(s capture.Signature) biometrics.Quality { return compare.Measure(s) }

// inks reads what this test stores as pen streams.
type inks struct{}

func (inks) Read(r io.Reader, _ capture.Device) (capture.Signature, error) {
	return interchange.ReadCSV(r)
}

// unsigned leaves reports as they are: how they are signed is tested where it is done.
type unsigned struct{}

func (unsigned) SignReport(_ context.Context, pdf []byte, _ string) ([]byte, error) { return pdf, nil }

// records keeps what happens in the tables of mails and of the record.
type records struct {
	*mail.Post
	*store.Accounts
}

func (r records) Record(ctx context.Context, e api.Event) error { return r.AppendAudit(ctx, e) }
func (r records) Chain(ctx context.Context, chain string) ([]api.Event, error) {
	return r.AuditChain(ctx, chain)
}

// notices is ceremony.Notices as far as reading evidence needs it.
type notices struct{ records }

func (n notices) Mail(context.Context, *ceremony.Document, ceremony.Mail) error { return nil }
func (n notices) Record(ctx context.Context, d *ceremony.Document, e ceremony.Event) error {
	return n.AppendAudit(ctx, api.Event{Kind: e.Kind, Organisation: d.Organisation, Account: api.IdentityOf(ctx).Account,
		Chain: "document:" + d.ID, Object: "document:" + d.ID, Detail: api.Detail{"signer": e.Signer, "detail": e.Detail}})
}

func newService(t *testing.T, address string) *service {
	t.Helper()
	s := &service{t: t, clock: storetest.NewClock()}
	db, err := store.Open(t.Context(), address, store.Options{Clock: s.clock})
	s.must(err)
	t.Cleanup(func() { s.must(db.Close()) })
	root, err := vault.LocalRoot(filepath.Join(t.TempDir(), "root.key"))
	s.must(err)
	keys := vault.NewKeyring(db, root)
	s.store = store.NewAccounts(db, keys)
	blobs, err := vault.OpenDir(t.TempDir())
	s.must(err)
	s.vault, err = vault.New(vault.Config{Blobs: blobs, Keys: keys, Clock: s.clock})
	s.must(err)
	post, err := mail.New(mail.Config{Outbox: s.store, Clock: s.clock, URL: "https://ink.example.org"})
	s.must(err)
	comparator, err := compare.New(compare.Config{Explain: true})
	s.must(err)
	kept := records{post, s.store}
	documents := s.store.Ceremonies()
	signing := ceremony.New(ceremony.Config{Tx: db, Documents: documents, Subjects: documents, Notices: notices{kept}, Vault: s.vault, Inks: inks{}, Clock: s.clock})
	cases := s.store.Disputes()
	s.disputes = dispute.New(dispute.Config{Tx: db, Cases: cases, Openings: cases, People: s.store, Records: kept, Evidence: signing, Vault: s.vault, Limits: s.store,
		Comparator: comparing{comparator}, Trust: func() deposit.Options { return deposit.Options{Now: s.clock.Now()} }, Clock: s.clock})
	a, err := api.New(api.Config{Clock: s.clock, Replies: s.store})
	s.must(err)
	a.Identify(s.identify)
	a.Mount(&investigate.Handler{Disputes: s.disputes, Documents: documents, Vault: s.vault, Reports: unsigned{}})
	s.handler = a.Handler()
	for _, org := range []string{"one", "two"} {
		s.must(s.store.CreateOrganisation(t.Context(), api.Organisation{ID: org, Name: "Org " + org, Created: s.clock.Now()}))
	}
	s.add("ada", "one", api.Owner)
	s.add("ivan", "one", api.Investigator)
	s.add("ben", "one", api.Admin)
	s.add("sam", "one", api.Sender)
	s.add("zoe", "two", api.Owner)
	s.sign(documents)
	return s
}

func (s *service) must(err error) {
	s.t.Helper()
	if err != nil {
		s.t.Fatal(err)
	}
}

func (s *service) identify(r *http.Request) (api.Identity, error) {
	who := strings.Fields(r.Header.Get("X-Test-Who"))
	if len(who) == 0 {
		return api.Identity{}, nil
	}
	of, err := s.store.Memberships(r.Context(), who[0])
	if err != nil || len(of) == 0 {
		return api.Identity{}, err
	}
	id := api.Identity{Account: of[0].Account, Organisation: of[0].Organisation, Role: of[0].Role, Session: "session"}
	if len(who) > 1 { // a program with this scope
		id.Session, id.Scopes = "", who[1:]
	}
	return id, nil
}

func (s *service) add(id, organisation string, role api.Role) {
	s.t.Helper()
	s.must(s.store.CreateAccount(s.t.Context(), api.Account{ID: id, State: api.AccountActive, Created: s.clock.Now(),
		Profile: api.Profile{Email: id + "@example.org", Name: strings.ToUpper(id[:1]) + id[1:], Language: "en"}}))
	s.must(s.store.AddMember(s.t.Context(), api.Member{Account: id, Organisation: organisation, Role: role, Added: s.clock.Now()}))
}

// signature reads a synthetic signature of testdata.
func signature(t *testing.T, name string) capture.Signature {
	t.Helper()
	f, err := os.Open(filepath.Join("..", "..", "testdata", "signatures", name+".csv"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	rows, err := csv.NewReader(f).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	number := func(v string) float64 {
		n, err := strconv.ParseFloat(v, 64)
		if err != nil {
			t.Fatal(err)
		}
		return n
	}
	sig := capture.Signature{Device: capture.Device{Pointer: capture.Pen, UnitsPerMM: 378, NominalScale: true, HasPressure: true, HasTilt: true, HasInAir: true, HasTime: true, PressureLevels: 400}}
	down := false
	for _, r := range rows[1:] {
		p := capture.Point{Time: int64(number(r[0]) * 1000), X: int32(number(r[1]) * 100), Y: int32(number(r[2]) * 100), Pressure: uint16(number(r[3])),
			TiltX: int16(number(r[4]) * 100), TiltY: int16(number(r[5]) * 100), Down: r[6] == "1"}
		p.Start = p.Down && !down
		down = p.Down
		sig.Points = append(sig.Points, p)
	}
	return sig
}

// sign stores a document of one with a recorded signature and five references.
func (s *service) sign(documents *store.Ceremonies) {
	ctx := s.t.Context()
	subject, err := documents.Subject(ctx, "one", "chloe@example.net")
	s.must(err)
	put := func(name string, sig capture.Signature) evidence.Object {
		var b bytes.Buffer
		s.must(interchange.WriteCSV(&b, sig))
		o, err := s.vault.Put(ctx, evidence.Meta{Key: "captures/" + name, Class: evidence.ClassDeposit, Reason: "test", DeleteAfter: s.clock.Now().AddDate(1, 0, 0), Subject: "s", Deposit: "d"}, &b)
		s.must(err)
		return o
	}
	for _, n := range []string{"1", "2", "3", "4", "5"} {
		sig := signature(s.t, "w1-genuine-0"+n)
		subject.References = append(subject.References, ceremony.Reference{Capture: capture.SessionID(api.NewID()), Object: put("reference"+n, sig), Device: sig.Device, EnrolledAt: s.clock.Now()})
	}
	s.must(documents.SaveSubject(ctx, subject))
	sig := signature(s.t, "w1-genuine-06")
	s.document, s.signer = api.NewID(), api.NewID()
	s.must(documents.CreateDocument(ctx, &ceremony.Document{ID: s.document, Organisation: "one", Owner: "sam", State: ceremony.Completed, Title: "Lease of the Old Mill", Created: s.clock.Now(),
		Signers: []*ceremony.Signer{
			{ID: s.signer, Name: "Chloé Martin", Email: "chloe@example.net", Language: "fr", Subject: subject.ID, State: ceremony.Signed, Confirmed: true, SignedAt: s.clock.Now(),
				Captures: []*ceremony.Capture{{ID: capture.SessionID(api.NewID()), Kind: ceremony.SignatureCapture, State: ceremony.CaptureFinished, Device: sig.Device, StartedAt: s.clock.Now(),
					Files: []ceremony.File{{Name: ceremony.PenFile, Object: put("questioned", sig)}, {Name: ceremony.VideoFile, Object: put("video", sig)}}}}},
			{ID: api.NewID(), Name: "Typed Only", Email: "typed@example.net", Language: "en", Confirmed: true, Typed: "Typed Only"},
		}}))
}

func (s *service) do(who, method, path string, body any, status int) (out m) {
	s.t.Helper()
	raw, err := json.Marshal(body)
	s.must(err)
	return s.send(who, method, path, "application/json", raw, status)
}

func (s *service) send(who, method, path, kind string, body []byte, status int) (out m) {
	s.t.Helper()
	s.clock.Advance(time.Millisecond)
	r := httptest.NewRequest(method, path, bytes.NewReader(body))
	r.Header.Set("Content-Type", kind)
	r.Header.Set("X-Test-Who", who)
	w := httptest.NewRecorder()
	s.handler.ServeHTTP(w, r)
	if w.Code != status {
		s.t.Fatalf("%s: %s %s: %d, want %d: %.600s", who, method, path, w.Code, status, w.Body)
	}
	if strings.Contains(w.Header().Get("Content-Type"), "json") {
		s.must(json.Unmarshal(w.Body.Bytes(), &out))
	}
	return out
}

type m map[string]any

func (x m) list(name string) (all []m) {
	for _, one := range x[name].([]any) {
		all = append(all, m(one.(map[string]any)))
	}
	return all
}

func (x m) text(name string) string { v, _ := x[name].(string); return v }

func (s *service) newCase(who string) string {
	return s.do(who, "POST", "/api/cases", m{"reference": "2026-17", "question": "Did Chloé Martin sign the lease?", "parties": "She says she was abroad."}, 201).text("id")
}

func (s *service) ask(who, dispute string, status int) string {
	return s.do(who, "POST", "/api/cases/"+dispute+"/openings", m{"document": s.document, "signer": s.signer, "reason": "the signature is disputed", "hours": 2}, status).text("id")
}

// mailed counts mails of a kind by address.
func (s *service) mailed(kind api.NoticeKind) map[string]int {
	got := map[string]int{}
	mails, err := s.store.Mails(s.t.Context(), "one", "", 100)
	s.must(err)
	for _, one := range mails {
		if one.Kind == string(kind) {
			got[one.To]++
		}
	}
	return got
}

// kinds lists a chain of the record, checked.
func (s *service) kinds(chain string) (kinds []string) {
	events, err := s.store.AuditChain(s.t.Context(), chain)
	s.must(err)
	for _, e := range events {
		kinds = append(kinds, e.Kind)
	}
	return kinds
}

func TestTwoPeopleOpenEvidence(t *testing.T) {
	both(t, func(t *testing.T, s *service) {
		dispute := s.newCase("ivan")
		id := s.ask("ivan", dispute, 201)
		for who, want := range map[string]int{"ada@example.org": 1, "ben@example.org": 1, "ivan@example.org": 0, "sam@example.org": 0} {
			if got := s.mailed(api.NoticeEvidenceAsked)[who]; got != want {
				t.Errorf("%s got %d mails of the question, want %d", who, got, want)
			}
		}
		// One person is not enough, whoever it is.
		s.do("ivan", "POST", "/api/openings/"+id+"/open", nil, 403)
		s.do("ivan", "POST", "/api/openings/"+id+"/approve", nil, 403)
		s.do("ivan", "POST", "/api/openings/"+id+"/open", nil, 403)
		if got := s.do("ivan", "GET", "/api/cases/"+dispute+"/samples", nil, 200).list("samples"); len(got) != 0 {
			t.Fatalf("%d signatures are readable before the evidence is opened", len(got))
		}
		// Others: no right, another organisation, a program.
		s.do("sam", "POST", "/api/openings/"+id+"/approve", nil, 403)
		s.do("zoe", "POST", "/api/openings/"+id+"/approve", nil, 404)
		s.do("ada evidence:approve", "POST", "/api/openings/"+id+"/approve", nil, 403)
		s.do("", "POST", "/api/openings/"+id+"/approve", nil, 401)

		seen := s.do("ben", "GET", "/api/openings", nil, 200).list("openings")
		if len(seen) != 1 || seen[0].text("reason") != "the signature is disputed" || seen[0].text("title") != "Lease of the Old Mill" || seen[0].text("name") != "Chloé Martin" || seen[0].text("askedBy") != "Ivan" {
			t.Errorf("the second person sees %v", seen)
		}
		if got := s.do("ben", "POST", "/api/openings/"+id+"/approve", nil, 200).text("state"); got != "approved" {
			t.Errorf("approved: %q", got)
		}
		s.do("ada", "POST", "/api/openings/"+id+"/refuse", m{"answer": "no"}, 409)
		s.do("ben", "POST", "/api/openings/"+id+"/open", nil, 403) // may agree, may not look
		s.do("ada", "POST", "/api/openings/"+id+"/open", nil, 404) // may look, but did not ask

		got := s.do("ivan", "POST", "/api/openings/"+id+"/open", nil, 200)
		if n := len(got.list("items")); n != 6 {
			t.Errorf("opened %d signatures, want one and its five references", n)
		}
		s.do("ivan", "POST", "/api/openings/"+id+"/open", nil, 410) // once
		for _, who := range []string{"chloe@example.net", "typed@example.net", "sam@example.org"} {
			if n := s.mailed(api.NoticeEvidenceOpened)[who]; n != 1 {
				t.Errorf("%s was told %d times, want once", who, n)
			}
		}
		if got := s.do("ivan", "GET", "/api/cases/"+dispute+"/samples", nil, 200).list("samples"); len(got) != 6 {
			t.Errorf("%d signatures are readable, want 6", len(got))
		}
		s.do("ada", "GET", "/api/cases/"+dispute+"/samples", nil, 404) // another's case
		if got := s.kinds("document:" + s.document); !slices.Equal(got[:3], []string{"evidence.asked", "evidence.approved", "evidence.read"}) || got[3] != "evidence.opened" {
			t.Errorf("the document's record says %v", got)
		}
		if got := s.kinds("case:" + dispute); !slices.Contains(got, "evidence.opened") || !slices.Contains(got, "case.read") {
			t.Errorf("the case's record says %v", got)
		}

		s.clock.Advance(2 * time.Hour) // the hours that were asked for
		if got := s.do("ivan", "GET", "/api/cases/"+dispute+"/samples", nil, 200).list("samples"); len(got) != 0 {
			t.Errorf("%d signatures are readable after the end", len(got))
		}
		item := got.list("items")[0].text("id")
		s.do("ivan", "GET", "/api/cases/"+dispute+"/items/"+item+"/samples/csv", nil, 403)
		s.do("ivan", "GET", "/api/cases/"+dispute+"/items/"+item+"/video", nil, 403)
		s.do("ivan", "POST", "/api/openings/"+id+"/open", nil, 410)
	})
}

// TestWatchingIsRecorded: whoever looks at a video stands in the record of the case and
// in that of the document, before the first byte goes. The parts that a player asks for
// are one look.
func TestWatchingIsRecorded(t *testing.T) {
	both(t, func(t *testing.T, s *service) {
		dispute := s.newCase("ivan")
		id := s.ask("ivan", dispute, 201)
		s.do("ben", "POST", "/api/openings/"+id+"/approve", nil, 200)
		item := s.do("ivan", "POST", "/api/openings/"+id+"/open", nil, 200).list("items")[0].text("id")
		looks := func() (n [2]int) {
			for i, chain := range []string{"case:" + dispute, "document:" + s.document} {
				for _, kind := range s.kinds(chain) {
					if strings.HasSuffix(kind, ".watched") {
						n[i]++
					}
				}
			}
			return n
		}
		for _, step := range []struct {
			method, ranges string
			looks, status  int
		}{
			{"HEAD", "", 0, 200},
			{"GET", "bytes=7-", 1, 206}, // all but a few bytes, and nothing before
			{"GET", "bytes=9-", 1, 206},
			{"GET", "bytes=0-", 2, 206},
			{"GET", "bytes=100-200", 2, 206},
			{"GET", "", 3, 200},
		} {
			r := httptest.NewRequest(step.method, "/api/cases/"+dispute+"/items/"+item+"/video", nil)
			r.Header.Set("X-Test-Who", "ivan")
			if step.ranges != "" {
				r.Header.Set("Range", step.ranges)
			}
			w := httptest.NewRecorder()
			s.handler.ServeHTTP(w, r)
			if got := looks(); w.Code != step.status || got != [2]int{step.looks, step.looks} {
				t.Fatalf("after %s %q: %d, %v looks in the case and the document, want %d", step.method, step.ranges, w.Code, got, step.looks)
			}
		}
		s.clock.Advance(time.Hour)
		r := httptest.NewRequest("GET", "/api/cases/"+dispute+"/items/"+item+"/video", nil)
		r.Header.Set("X-Test-Who", "ivan")
		r.Header.Set("Range", "bytes=9-")
		s.handler.ServeHTTP(httptest.NewRecorder(), r)
		if got := looks(); got != [2]int{4, 4} {
			t.Errorf("an hour later: %v looks, want 4", got)
		}
	})
}

func TestApprovalsEnd(t *testing.T) {
	both(t, func(t *testing.T, s *service) {
		dispute := s.newCase("ivan")
		old := s.ask("ivan", dispute, 201)
		s.clock.Advance(7 * 24 * time.Hour)
		s.do("ben", "POST", "/api/openings/"+old+"/approve", nil, 409)

		unused := s.ask("ivan", dispute, 201)
		s.do("ben", "POST", "/api/openings/"+unused+"/approve", nil, 200)
		s.clock.Advance(24 * time.Hour)
		s.do("ivan", "POST", "/api/openings/"+unused+"/open", nil, 410)

		refused := s.ask("ivan", dispute, 201)
		if got := s.do("ada", "POST", "/api/openings/"+refused+"/refuse", m{"answer": "ask the court first"}, 200); got.text("answer") != "ask the court first" {
			t.Errorf("refused with %v", got)
		}
		s.do("ivan", "POST", "/api/openings/"+refused+"/open", nil, 403)
		if n := s.mailed(api.NoticeEvidenceRefused)["ivan@example.org"]; n != 1 {
			t.Errorf("the asker was told %d times of the refusal", n)
		}

		back := s.ask("ivan", dispute, 201)
		s.do("ben", "POST", "/api/openings/"+back+"/approve", nil, 200)
		s.do("ivan", "POST", "/api/openings/"+back+"/open", nil, 200)
		s.do("ivan", "POST", "/api/openings/"+back+"/withdraw", nil, 200)
		if got := s.do("ivan", "GET", "/api/cases/"+dispute+"/samples", nil, 200).list("samples"); len(got) != 0 {
			t.Errorf("%d signatures are readable after the opening was given back", len(got))
		}
	})
}

func TestOneApprovalOpensOnce(t *testing.T) {
	both(t, func(t *testing.T, s *service) {
		id := s.ask("ivan", s.newCase("ivan"), 201)
		s.do("ben", "POST", "/api/openings/"+id+"/approve", nil, 200)
		var wg sync.WaitGroup
		codes := make([]int, 8)
		for i := range codes {
			wg.Go(func() {
				r := httptest.NewRequest("POST", "/api/openings/"+id+"/open", nil)
				r.Header.Set("X-Test-Who", "ivan")
				w := httptest.NewRecorder()
				s.handler.ServeHTTP(w, r)
				codes[i] = w.Code
			})
		}
		wg.Wait()
		slices.Sort(codes)
		if want := []int{200, 410, 410, 410, 410, 410, 410, 410}; !slices.Equal(codes, want) {
			t.Errorf("eight at once: %v, want %v", codes, want)
		}
		if n := s.mailed(api.NoticeEvidenceOpened)["chloe@example.net"]; n != 1 {
			t.Errorf("the signer was told %d times", n)
		}
	})
}

func TestAskingNeedsAReasonAndASignature(t *testing.T) {
	both(t, func(t *testing.T, s *service) {
		dispute := s.newCase("ivan")
		path := "/api/cases/" + dispute + "/openings"
		s.do("ivan", "POST", path, m{"document": s.document, "signer": s.signer, "reason": "", "hours": 2}, 422)
		s.do("ivan", "POST", path, m{"document": s.document, "signer": s.signer, "reason": "   ", "hours": 2}, 422)
		s.do("ivan", "POST", path, m{"document": s.document, "signer": s.signer, "reason": "dispute", "hours": 721}, 422)
		s.do("ivan", "POST", path, m{"document": api.NewID(), "signer": s.signer, "reason": "dispute", "hours": 2}, 404)
		s.do("ivan", "POST", path, m{"document": s.document, "signer": api.NewID(), "reason": "dispute", "hours": 2}, 404)
		s.do("sam", "POST", path, m{"document": s.document, "signer": s.signer, "reason": "dispute", "hours": 2}, 403)
		other := s.newCase("zoe")
		s.do("zoe", "POST", "/api/cases/"+other+"/openings", m{"document": s.document, "signer": s.signer, "reason": "dispute", "hours": 2}, 404)
		s.do("sam", "POST", "/api/cases", m{"reference": "1", "question": "who?", "parties": ""}, 403)
		s.do("ivan", "POST", "/api/cases", m{"reference": " ", "question": "who?", "parties": ""}, 422)
		if got := s.do("ivan", "GET", "/api/evidence", nil, 200).list("signatures"); len(got) != 1 || got[0].text("name") != "Chloé Martin" {
			t.Errorf("signatures to choose from: %v", got)
		}
		s.do("sam", "GET", "/api/evidence", nil, 403)
	})
}

// TestEvidenceOfOldDocuments: disputes come years after signing. What was signed before
// many other documents can be chosen, too.
func TestEvidenceOfOldDocuments(t *testing.T) {
	both(t, func(t *testing.T, s *service) {
		documents := s.store.Ceremonies()
		for range 200 {
			s.clock.Advance(time.Minute)
			s.must(documents.CreateDocument(t.Context(), &ceremony.Document{ID: api.NewID(), Organisation: "one", Owner: "sam", State: ceremony.Draft, Created: s.clock.Now()}))
		}
		first := s.do("ivan", "GET", "/api/evidence", nil, 200)
		if n := len(first.list("signatures")); n != 0 || first.text("next") == "" {
			t.Fatalf("of the newest documents: %d signatures, next %q", n, first.text("next"))
		}
		second := s.do("ivan", "GET", "/api/evidence?before="+url.QueryEscape(first.text("next")), nil, 200)
		if got := second.list("signatures"); len(got) != 1 || got[0].text("document") != s.document || second.text("next") != "" {
			t.Errorf("of the older ones: %v, next %q", got, second.text("next"))
		}
	})
}

// TestAskingIsBounded: each question is a mail to everybody who could agree.
func TestAskingIsBounded(t *testing.T) {
	both(t, func(t *testing.T, s *service) {
		dispute := s.newCase("ivan")
		for range 50 {
			s.ask("ivan", dispute, 201)
		}
		s.ask("ivan", dispute, 429)
		s.ask("ada", s.newCase("ada"), 201)
		s.clock.Advance(time.Hour)
		s.ask("ivan", dispute, 201)
	})
}

// bring imports a signature into a case.
func (s *service) bring(who, dispute, part, filename string, body []byte, status int) m {
	s.t.Helper()
	q := url.Values{"part": {part}, "note": {"handed over by the claimant on 3 March"}, "filename": {filename}}
	return s.send(who, "POST", "/api/cases/"+dispute+"/items?"+q.Encode(), "application/octet-stream", body, status)
}

func write(t *testing.T, f func(io.Writer, capture.Signature) error, sig capture.Signature) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := f(&b, sig); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func TestImportCompareExport(t *testing.T) {
	both(t, func(t *testing.T, s *service) {
		dispute := s.newCase("ivan")
		path := "/api/cases/" + dispute
		s.do("ivan", "POST", path+"/compare", nil, 422) // nothing to compare
		s.bring("ivan", dispute, "questioned", "q.inkml", write(t, interchange.WriteInkML, signature(t, "w1-genuine-06")), 201)
		s.bring("ivan", dispute, "questioned", "forged.csv", write(t, interchange.WriteCSV, signature(t, "w1-forgery-01")), 201)
		s.bring("ivan", dispute, "reference", "1.iso", write(t, interchange.WriteISO, signature(t, "w1-genuine-01")), 201)
		for _, n := range []string{"2", "3", "4"} {
			s.bring("ivan", dispute, "reference", n+".csv", write(t, interchange.WriteCSV, signature(t, "w1-genuine-0"+n)), 201)
		}
		got := s.do("ivan", "POST", path+"/compare", nil, 200)
		results := got.list("runs")[0].list("results")
		if len(results) != 2 {
			t.Fatalf("%d results, want one for each questioned signature", len(results))
		}
		log := func(r m) float64 {
			return m(m(r["comparison"].(map[string]any))["likelihoodRatio"].(map[string]any))["log"].(float64)
		}
		if log(results[0]) <= log(results[1]) {
			t.Errorf("the genuine one has ratio %g, the forged one %g", log(results[0]), log(results[1]))
		}
		model := m(m(results[0]["comparison"].(map[string]any))["model"].(map[string]any))
		if model.text("number") == "" {
			t.Error("the comparison names no model")
		}
		items := got.list("items")
		labels := []string{}
		for _, i := range items {
			labels = append(labels, i.text("label"))
			if i.text("fileSha256") == "" || i.text("format") == "" || m(i["quality"].(map[string]any))["points"].(float64) < 100 {
				t.Errorf("item without hash, format or quality: %v", i)
			}
		}
		if want := []string{"Q1", "Q2", "K1", "K2", "K3", "K4"}; !slices.Equal(labels, want) {
			t.Errorf("labels %v, want %v", labels, want)
		}
		// The alignment with a reference of the investigator's choice.
		e := s.do("ivan", "GET", path+"/alignment?questioned="+items[0].text("id")+"&reference="+items[4].text("id"), nil, 200)
		if e["reference"].(float64) != 2 || len(e.list("path")) < 100 {
			t.Errorf("aligned with reference %v in %d steps", e["reference"], len(e.list("path")))
		}
		s.do("ivan", "GET", path+"/alignment?questioned="+items[2].text("id")+"&reference="+items[4].text("id"), nil, 403)
		s.exports(path, items[1].text("id"))
		s.reports(path)
		s.notes(path, items)

		// Why there is no answer is a code too, for the reader's language.
		short := signature(t, "w1-genuine-06")
		short.Points = short.Points[:12]
		s.bring("ivan", dispute, "questioned", "short.csv", write(t, interchange.WriteCSV, short), 201)
		runs := s.do("ivan", "POST", path+"/compare", nil, 200).list("runs")
		if r := runs[len(runs)-1].list("results")[2]; r.text("troubleCode") != biometrics.CodeTooShort || !strings.Contains(r.text("trouble"), "(too-short)") {
			t.Errorf("the short one: %v", r)
		}

		changed := s.do("ivan", "PUT", path+"/items/"+items[1].text("id"), m{"part": "reference", "label": "K9", "note": "said to be genuine"}, 200)
		if i := changed.list("items")[1]; i.text("part") != "reference" || i.text("label") != "K9" {
			t.Errorf("changed to %v", i)
		}
		if left := s.do("ivan", "DELETE", path+"/items/"+items[1].text("id"), nil, 200); len(left.list("items")) != 6 {
			t.Error("the signature was not removed")
		}
		for _, kind := range []string{"case.created", "case.item-added", "case.compared", "case.exported", "case.note-added", "case.note-removed", "case.item-removed"} {
			if !slices.Contains(s.kinds("case:"+dispute), kind) {
				t.Errorf("the record lacks %s", kind)
			}
		}
	})
}

// exports reads a signature back from each format.
func (s *service) exports(path, item string) {
	want := signature(s.t, "w1-forgery-01")
	for format, read := range map[string]func(io.Reader) (capture.Signature, error){"csv": interchange.ReadCSV, "inkml": interchange.ReadInkML, "iso-19794-7": interchange.ReadISO,
		"json": func(r io.Reader) (sig capture.Signature, err error) { return sig, json.NewDecoder(r).Decode(&sig) }} {
		r := httptest.NewRequest("GET", path+"/items/"+item+"/samples/"+format, nil)
		r.Header.Set("X-Test-Who", "ivan")
		w := httptest.NewRecorder()
		s.handler.ServeHTTP(w, r)
		got, err := read(w.Body)
		if w.Code != 200 || err != nil || len(got.Points) != len(want.Points) {
			s.t.Errorf("%s: %d, %d points, want %d: %v", format, w.Code, len(got.Points), len(want.Points), err)
		}
	}
	s.do("ivan", "GET", path+"/items/"+item+"/samples/docx", nil, 422)
}

// reports makes the report twice: it is the same, and was recorded.
func (s *service) reports(path string) {
	get := func(who, language string, status int) []byte {
		r := httptest.NewRequest("GET", path+"/report.pdf?language="+language, nil)
		r.Header.Set("X-Test-Who", who)
		w := httptest.NewRecorder()
		s.handler.ServeHTTP(w, r)
		if w.Code != status {
			s.t.Fatalf("report for %s in %q: %d, want %d: %.300s", who, language, w.Code, status, w.Body)
		}
		return w.Body.Bytes()
	}
	first := get("ivan", "zh-Hant", 200)
	s.clock.Advance(time.Hour)
	if second := get("ivan", "zh-Hant", 200); !bytes.HasPrefix(first, []byte("%PDF-")) || !bytes.Equal(first, second) {
		s.t.Error("the report of the same case is another one")
	}
	get("ivan", "de", 422)
	get("ada", "en", 404)
	if !slices.Contains(s.kinds("case:"+path[len("/api/cases/"):]), "case.reported") {
		s.t.Error("the record lacks the report")
	}
}

func (s *service) notes(path string, items []m) {
	note := m{"item": items[0].text("id"), "x": 12.5, "y": 3, "text": "the pen stops here"}
	got := s.do("ivan", "POST", path+"/notes", note, 201).list("notes")
	if len(got) != 1 || got[0].text("id") == "" || got[0]["x"].(float64) != 12.5 {
		s.t.Fatalf("notes %v", got)
	}
	// Whoever looked before the first one was written adds to it, and takes away only
	// what they name.
	note["text"], note["id"] = "and here", got[0].text("id")
	two := s.do("ivan", "POST", path+"/notes", note, 201).list("notes")
	if len(two) != 2 || two[0].text("text") != "the pen stops here" || two[1].text("id") == two[0].text("id") {
		s.t.Fatalf("notes %v", two)
	}
	before := s.do("ivan", "GET", path, nil, 200)["version"].(float64)
	after := s.do("ivan", "DELETE", path+"/notes/"+two[0].text("id"), nil, 200)
	if after["version"].(float64) <= before {
		s.t.Errorf("version %v after %v", after["version"], before)
	}
	left := after.list("notes")
	if len(left) != 1 || left[0].text("text") != "and here" {
		s.t.Errorf("left are %v", left)
	}
	s.do("ivan", "DELETE", path+"/notes/"+two[0].text("id"), nil, 404)
	s.do("ada", "DELETE", path+"/notes/"+left[0].text("id"), nil, 404)
	s.do("ivan", "POST", path+"/notes", m{"item": api.NewID(), "x": 0, "y": 0, "text": "nowhere"}, 404)
	s.do("ivan", "POST", path+"/notes", m{"item": items[0].text("id"), "x": 0, "y": 0, "text": " "}, 422)
}

func TestBadFilesAreExplained(t *testing.T) {
	both(t, func(t *testing.T, s *service) {
		dispute := s.newCase("ivan")
		good := write(t, interchange.WriteCSV, signature(t, "w1-genuine-01"))
		for name, body := range map[string][]byte{
			"empty": nil, "text": []byte("this is not a signature"), "picture": []byte("\x89PNG\r\n\x1a\n0000"), "cut.inkml": []byte("<ink xmlns"),
			"cut.iso": []byte("SDI\x00 10\x00\x01"), "cut.csv": good[:200], "few.txt": []byte("2\n1 2 3 1\n2 3 4 1\n"), "broken.asice": []byte("PK\x03\x04nothing"),
		} {
			if got := s.bring("ivan", dispute, "questioned", name, body, 422); got.text("detail") == "" || strings.Contains(got.text("detail"), "malformed") {
				t.Errorf("%s: %v", name, got)
			}
		}
		q := url.Values{"part": {"questioned"}, "filename": {"a.csv"}}
		s.send("ivan", "POST", "/api/cases/"+dispute+"/items?"+q.Encode(), "application/octet-stream", good, 422) // no word on where it is from
		s.bring("ivan", dispute, "sketch", "a.csv", good, 422)
		s.bring("ada", dispute, "questioned", "a.csv", good, 404)
		if n := len(s.do("ivan", "GET", "/api/cases/"+dispute, nil, 200).list("items")); n != 0 {
			t.Errorf("%d items of bad files", n)
		}
	})
}

// files counts the objects of cases whose end has not come; the service deletes
// the others with a receipt.
func (s *service) files() (n int) {
	all, err := s.store.Objects(s.t.Context(), "", 1000)
	s.must(err)
	for _, o := range all {
		if strings.HasPrefix(o.Key, "cases/") && o.DeleteAfter.After(s.clock.Now()) {
			n++
		}
	}
	return n
}

// TestHandOver: a case goes to a colleague with all that was found, and without
// the evidence that two people had agreed to open for the one before.
func TestHandOver(t *testing.T) {
	both(t, func(t *testing.T, s *service) {
		s.add("ines", "one", api.Investigator)
		dispute := s.newCase("ivan")
		path := "/api/cases/" + dispute
		s.bring("ivan", dispute, "reference", "k.csv", write(t, interchange.WriteCSV, signature(t, "w1-genuine-01")), 201)
		opened, waiting := s.ask("ivan", dispute, 201), s.ask("ivan", dispute, 201)
		s.do("ben", "POST", "/api/openings/"+opened+"/approve", nil, 200)
		s.do("ivan", "POST", "/api/openings/"+opened+"/open", nil, 200)
		for _, nobody := range []string{"sam@example.org", "zoe@example.org", "ben@example.org", "nobody@example.org"} { // no right, elsewhere, may only agree, unknown
			s.do("ivan", "POST", path+"/hand-over", m{"email": nobody}, 422)
		}
		s.do("ivan", "POST", path+"/hand-over", m{"email": "ivan@example.org"}, 422)
		s.do("ines", "POST", path+"/hand-over", m{"email": "ines@example.org"}, 404)
		s.do("ivan", "POST", path+"/hand-over", m{"email": "Ines@example.org"}, 204)

		s.do("ivan", "GET", path, nil, 404)
		s.do("ivan", "POST", path+"/hand-over", m{"email": "ada@example.org"}, 404)
		if n := len(s.do("ivan", "GET", "/api/cases", nil, 200).list("cases")); n != 0 {
			t.Errorf("the one before still has %d cases", n)
		}
		if n := s.mailed(api.NoticeCaseHandedOver)["ines@example.org"]; n != 1 {
			t.Errorf("told %d times, want once", n)
		}
		got := s.do("ines", "GET", path, nil, 200)
		if n := len(got.list("items")); n != 7 {
			t.Errorf("%d signatures came along, want 7", n)
		}
		for _, o := range got.list("openings") {
			if o.text("state") != "withdrawn" {
				t.Errorf("an opening is %s", o.text("state"))
			}
		}
		if got := s.do("ines", "GET", path+"/samples", nil, 200).list("samples"); len(got) != 1 {
			t.Errorf("%d signatures are readable, want only the file", len(got))
		}
		s.do("ben", "POST", "/api/openings/"+waiting+"/approve", nil, 409)
		again := s.ask("ines", dispute, 201)
		s.do("ivan", "POST", "/api/openings/"+again+"/approve", nil, 200) // now he is the second person
		if got := s.do("ines", "POST", "/api/openings/"+again+"/open", nil, 200); len(got.list("items")) != 7 {
			t.Errorf("opened again: %d signatures", len(got.list("items")))
		}
		if got := s.do("ines", "GET", path+"/samples", nil, 200).list("samples"); len(got) != 7 {
			t.Errorf("%d signatures are readable, want 7", len(got))
		}
		kinds := s.kinds("case:" + dispute)
		if !slices.Contains(kinds, "case.handed-over") || !slices.Contains(kinds, "evidence.closed") {
			t.Errorf("the record says %v", kinds)
		}
	})
}

func TestCasesEnd(t *testing.T) {
	both(t, func(t *testing.T, s *service) {
		good := write(t, interchange.WriteCSV, signature(t, "w1-genuine-01"))
		first, second := s.newCase("ivan"), s.newCase("ivan")
		s.bring("ivan", first, "questioned", "a.csv", good, 201)
		s.bring("ivan", second, "questioned", "a.csv", good, 201)
		if n := s.files(); n != 4 {
			t.Fatalf("%d objects, want source and samples of two", n)
		}
		s.do("ada", "DELETE", "/api/cases/"+first, nil, 404)
		s.do("ivan", "DELETE", "/api/cases/"+first, nil, 204)
		s.do("ivan", "GET", "/api/cases/"+first, nil, 404)
		if n := s.files(); n != 2 {
			t.Errorf("%d objects after one case ended, want 2", n)
		}
		soon := s.clock.Now().AddDate(0, 0, 10)
		s.do("ivan", "PUT", "/api/cases/"+second, m{"reference": "2026-18", "question": "who?", "parties": "", "keepUntil": soon}, 200)
		s.clock.Advance(9 * 24 * time.Hour)
		s.must(s.disputes.Sweep(t.Context()))
		s.do("ivan", "GET", "/api/cases/"+second, nil, 200)
		s.clock.Advance(25 * time.Hour)
		s.must(s.disputes.Sweep(t.Context()))
		s.do("ivan", "GET", "/api/cases/"+second, nil, 404)
		if n := s.files(); n != 0 {
			t.Errorf("%d objects after both ended", n)
		}
		if got := s.kinds("case:" + second); got[len(got)-1] != "case.deleted" {
			t.Errorf("the record ends with %v", got)
		}
	})
}
