package e2e

import (
	"database/sql"
	"fmt"
	"net/http"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	_ "modernc.org/sqlite"

	"inkwitness/api"
)

// actor is one person of the access table, in a browser of their own.
type actor struct {
	*client
	role    api.Role
	account string
}

// world is what the cells are tried on: an organisation with everybody in it, a
// document of each who may have one, and another organisation.
type world struct {
	t      *testing.T
	s      *service
	actors map[api.Role]*actor
	maker  *client // a second owner, who makes what is thrown away
	carl   *actor  // a second sender, whose things are somebody else's
	far    *actor  // owner of another organisation

	theirs   string                            // a draft of carl
	sent     string                            // a document of carl that waits for its signer
	own      map[api.Role]string               // a draft of each who may have one
	shared   map[api.Role]map[api.Level]string // drafts of carl, shared with each role
	stranger string                            // capture of another signer
	made     int
}

// operator runs a command of the operator beside the service.
func (s *service) operator(args ...string) string {
	s.t.Helper()
	cmd := exec.Command(s.binary, append(args, "--data", s.data, "--public-url", s.base)...)
	cmd.Env = append(cmd.Environ(), s.env...)
	out, err := cmd.CombinedOutput()
	if err != nil {
		s.t.Fatalf("inkwitness %s: %v\n%s", strings.Join(args, " "), err, out)
	}
	return strings.TrimSpace(string(out))
}

// accept makes the account of an invitation's link.
func (s *service) accept(link, email string) *client {
	s.t.Helper()
	_, token, _ := strings.Cut(link, "#invitation=")
	c := s.client()
	c.must("POST", "/api/invitations/accept", map[string]string{"token": token, "name": "N " + email, "email": email, "password": ownerPassword}, nil)
	return c
}

// organisation makes an organisation with its first owner.
func (s *service) organisation(name, owner string) (*client, string) {
	s.t.Helper()
	id := s.operator("organisations", "add", name)
	return s.accept(s.operator("invite", "--organisation", id, owner), owner), id
}

func (c *client) account() string {
	c.t.Helper()
	var session struct{ Account struct{ ID string } }
	c.must("GET", "/api/session", nil, &session)
	return session.Account.ID
}

func newWorld(t *testing.T) *world {
	s, _ := sharedService(t)
	w := &world{t: t, s: s, actors: map[api.Role]*actor{}, own: map[api.Role]string{}, shared: map[api.Role]map[api.Level]string{}}
	owner, organisation := s.organisation("Table", "owner@table.example")
	add := func(role api.Role, c *client) *actor {
		return &actor{client: c, role: role, account: c.account()}
	}
	w.actors[api.Owner] = add(api.Owner, owner)
	for _, role := range api.Roles() {
		if role.Member() && role != api.Owner {
			w.actors[role] = add(role, owner.join(string(role)+"@table.example", string(role)))
		}
	}
	w.maker = owner.join("maker@table.example", "owner")
	w.carl = add(api.Sender, owner.join("carl@table.example", "sender"))
	far, _ := s.organisation("Far", "owner@far.example")
	w.far = add(api.Owner, far)
	w.actors[api.Anonymous] = &actor{client: s.client(), role: api.Anonymous}

	staff := s.accept(s.operator("invite", "--role", "staff", "staff@operator.example"), "staff@operator.example").withSecond()
	var terms struct{ Hash string }
	staff.must("GET", "/api/staff/terms", nil, &terms)
	staff.must("POST", "/api/staff/terms", map[string]string{"hash": terms.Hash}, nil)
	owner.must("POST", "/api/grants", map[string]any{"email": "staff@operator.example", "reason": "the table is tried", "hours": 1}, nil)
	staff.must("POST", "/api/session/organisation", map[string]string{"organisation": organisation}, nil)
	w.actors[api.Staff] = &actor{client: staff, role: api.Staff, account: staff.account()}

	ada := person{"Ada Signer", "ada.signer@table.example"}
	w.theirs = w.carl.draft("Carl’s draft", ada).ID
	sent, _ := w.carl.sent("Carl’s document", ada)
	w.sent = sent.ID
	_, token := w.carl.sent("The signer’s document", ada)
	signer := s.open(token, 7)
	signer.agree()
	w.actors[api.Signer] = &actor{client: signer, role: api.Signer}
	_, token = w.carl.sent("Another document", person{"Ben Signer", "ben.signer@table.example"})
	other := s.open(token, 8)
	other.agree()
	var capture struct{ ID string }
	other.must("POST", "/api/signing/captures", map[string]any{"kind": "signature"}, &capture)
	w.stranger = capture.ID

	for _, role := range []api.Role{api.Owner, api.Admin, api.Manager, api.Sender} {
		w.own[role] = w.actors[role].draft("Own draft", ada).ID
	}
	for _, role := range api.Roles() {
		if !role.Member() {
			continue
		}
		w.shared[role] = map[api.Level]string{}
		for _, level := range api.Levels() {
			id := w.carl.draft("Shared draft", ada).ID
			w.carl.must("PUT", "/api/documents/"+id+"/shares", map[string]string{"email": string(role) + "@table.example", "level": string(level)}, nil)
			w.shared[role][level] = id
		}
	}
	return w
}

// try is one request of a cell, on a document where it is about one.
type try func(w *world, who *actor, document string) answer

// onDocument is a request on a document; a signer has routes of their own, which
// name no document.
func onDocument(method, path string, body any, signer string) try {
	return func(_ *world, who *actor, document string) answer {
		if who.role == api.Signer && signer != "" {
			return who.do(method, signer, nil)
		}
		return who.do(method, strings.ReplaceAll(path, "{id}", document), body)
	}
}

// plain is a request that names nothing.
func plain(method, path string, body any) try {
	return func(_ *world, who *actor, _ string) answer { return who.do(method, path, body) }
}

// disposable is a request on something that the organisation's owner makes for it.
func disposable(method, path string, body any, make func(w *world) string) try {
	return func(w *world, who *actor, _ string) answer {
		return who.do(method, strings.ReplaceAll(path, "{id}", make(w)), body)
	}
}

// id posts something as the owner and returns its id.
func (w *world) id(path string, body any) string {
	w.t.Helper()
	var made struct{ ID string }
	w.maker.must("POST", path, body, &made)
	return made.ID
}

func (w *world) invitation() string {
	w.made++
	return w.id("/api/members/invitations", map[string]string{"email": fmt.Sprintf("guest%d@table.example", w.made), "role": "auditor", "language": "en"})
}

func (w *world) key() string {
	return w.id("/api/keys", map[string]any{"name": "k", "scopes": []string{"document:read"}})
}

func (w *world) webhook() string {
	if w.made == 0 {
		w.made = 1
	}
	return w.id("/api/webhooks", map[string]any{"url": "https://hooks.example.org/x"})
}

func (w *world) grant() string {
	return w.id("/api/grants", map[string]any{"email": "staff@operator.example", "reason": "to be ended", "hours": 1})
}

func (w *world) carlAccount() string { return w.carl.account }

// comment is one that carl wrote on a document.
func (w *world) comment(document string) string {
	var made struct{ ID string }
	w.carl.must("POST", "/api/documents/"+document+"/comments", map[string]string{"text": "Carl was here"}, &made)
	return made.ID
}

var draftPlan = map[string]any{
	"signers": []any{map[string]string{"name": "Ada", "email": "ada.signer@table.example"}},
	"fields":  []any{map[string]any{"signer": 0, "page": 1, "x": 60, "y": 60, "width": 220, "height": 80}},
}

// request is how one line of the access table is tried.
type request struct {
	try   try
	about bool // a document: own, somebody else's, shared, of another organisation
}

// lines has a request for each line of the access table. A line without one
// fails the test.
var lines = map[string]request{
	"organisation read":   {try: plain("GET", "/api/organisation", nil)},
	"organisation update": {try: plain("PATCH", "/api/organisation", map[string]string{"controller": "Table, 1 rue de la Paix"})},
	"member list":         {try: plain("GET", "/api/members", nil)},
	"member update":       {try: disposable("PATCH", "/api/members/{id}", map[string]string{"role": "sender"}, (*world).carlAccount)},
	"member delete": {try: disposable("DELETE", "/api/members/{id}", nil, func(w *world) string {
		w.made++
		return w.maker.join(fmt.Sprintf("victim%d@table.example", w.made), "auditor").account()
	})},
	"invitation create": {try: plain("POST", "/api/members/invitations", map[string]string{"email": "x@table.example", "role": "auditor", "language": "en"})},
	"invitation list":   {try: plain("GET", "/api/members/invitations", nil)},
	"invitation delete": {try: disposable("DELETE", "/api/members/invitations/{id}", nil, (*world).invitation)},
	"profile read":      {try: plain("GET", "/api/profile", nil)},
	"profile update":    {try: plain("PATCH", "/api/profile", map[string]string{"company": "Table"})},
	"profile export":    {try: plain("GET", "/api/profile/export", nil)},
	"profile delete":    {try: plain("DELETE", "/api/profile", nil)},
	"outbox list":       {try: plain("GET", "/api/outbox", nil)},
	"document create": {try: func(_ *world, who *actor, _ string) answer {
		return who.do("POST", "/api/documents?filename=a.pdf", smallPDF())
	}},
	"document list":   {try: plain("GET", "/api/documents", nil)},
	"document read":   {onDocument("GET", "/api/documents/{id}", nil, "/api/signing/pdf"), true},
	"document update": {onDocument("PUT", "/api/documents/{id}/plan", draftPlan, ""), true},
	"document send": {allOf(onDocument("POST", "/api/documents/{id}/send", nil, ""), onDocument("POST", "/api/documents/{id}/remind", nil, ""),
		onDocument("PUT", "/api/documents/{id}/reminders", map[string]int{"days": 3}, "")), true},
	"document share": {allOf(onDocument("GET", "/api/documents/{id}/shares", nil, ""),
		onDocument("PUT", "/api/documents/{id}/shares", map[string]string{"email": "maker@table.example", "level": "see"}, "")), true},
	"document export": {onDocument("GET", "/api/documents/{id}/signed.pdf", nil, "/api/signing/signed.pdf"), true},
	"ceremony read":   {onDocument("GET", "/api/documents/{id}/activity", nil, "/api/signing"), true},
	"ceremony sign":   {try: sign},
	"deposit read":    {onDocument("GET", "/api/documents/{id}/objects", nil, ""), true},
	"hold create":     {onDocument("POST", "/api/documents/{id}/holds", map[string]string{"reason": "the table"}, ""), true},
	"hold list":       {onDocument("GET", "/api/documents/{id}/holds", nil, ""), true},
	"hold update":     {nobodysHold, true},
	"erasure create": {try: func(w *world, who *actor, _ string) answer { // refused by the state where the role may
		return who.do("POST", "/api/documents/"+w.sent+"/signers/"+strings.Repeat("0", 32)+"/erase", map[string]string{"what": "recording", "reason": "the table"})
	}},
	"deposit export":      {onDocument("GET", "/api/documents/{id}/deposit", nil, "/api/signing/deposit"), true},
	"evidence list":       {try: plain("GET", "/api/openings", nil)},
	"evidence open":       {try: allOf(plain("GET", "/api/evidence", nil), nobodysOpening("open", nil), nobodysOpening("withdraw", nil))},
	"evidence approve":    {try: allOf(nobodysOpening("approve", nil), nobodysOpening("refuse", map[string]string{"answer": "no"}))},
	"case create":         {try: plain("POST", "/api/cases", disputed)},
	"case list":           {try: plain("GET", "/api/cases", nil)},
	"case read":           {try: ownCase("GET", "", nil)},
	"case update":         {try: ownCase("PUT", "", disputed)},
	"case delete":         {try: ownCase("DELETE", "", nil)},
	"case export":         {try: ownCase("GET", "/items/"+strings.Repeat("0", 32)+"/samples/csv", nil)},
	"comment create":      {onDocument("POST", "/api/documents/{id}/comments", map[string]string{"text": "<b>hello</b>"}, ""), true},
	"comment list":        {onDocument("GET", "/api/documents/{id}/comments", nil, ""), true},
	"comment delete":      {try: deleteComment},
	"audit list":          {try: plain("GET", "/api/audit", nil)},
	"audit export":        {try: plain("GET", "/api/audit/export", nil)},
	"key create":          {try: plain("POST", "/api/keys", map[string]any{"name": "k", "scopes": []string{"document:read"}})},
	"key list":            {try: plain("GET", "/api/keys", nil)},
	"key delete":          {try: disposable("DELETE", "/api/keys/{id}", nil, (*world).key)},
	"webhook create":      {try: plain("POST", "/api/webhooks", map[string]any{"url": "https://hooks.example.org/y"})},
	"webhook list":        {try: plain("GET", "/api/webhooks", nil)},
	"webhook read":        {try: disposable("GET", "/api/webhooks/{id}/deliveries", nil, (*world).onceWebhook)},
	"webhook update":      {try: disposable("PATCH", "/api/webhooks/{id}", map[string]bool{"active": false}, (*world).onceWebhook)},
	"webhook delete":      {try: disposable("DELETE", "/api/webhooks/{id}", nil, (*world).onceWebhook)},
	"provisioning update": {try: plain("GET", "/scim/v2/Users", nil)},
	"grant create":        {try: plain("POST", "/api/grants", map[string]any{"email": "staff@operator.example", "reason": "the table", "hours": 1})},
	"grant list":          {try: plain("GET", "/api/grants", nil)},
	"grant delete":        {try: disposable("DELETE", "/api/grants/{id}", nil, (*world).grant)},
}

// onceWebhook makes room first: there are at most 20.
func (w *world) onceWebhook() string {
	var all struct{ Webhooks []struct{ ID string } }
	w.maker.must("GET", "/api/webhooks", nil, &all)
	for _, hook := range all.Webhooks {
		w.maker.must("DELETE", "/api/webhooks/"+hook.ID, nil, nil)
	}
	return w.webhook()
}

// sign answers a purpose, opens a capture and its pen socket. For everybody but
// the signer all three are refused; another signer's capture is refused to all.
func sign(w *world, who *actor, _ string) answer {
	consent := who.do("POST", "/api/signing/consents", map[string]any{"purpose": "handwriting", "textVersion": "1", "language": "en", "given": true})
	capture := who.do("POST", "/api/signing/captures", map[string]any{"kind": "signature"})
	path := "/api/signing/captures/" + w.stranger + "/pen"
	if socket, refusal, err := who.dial(path); err == nil {
		socket.Close()
		w.t.Errorf("%s opens the pen socket of another signer", who.role)
	} else if refusal == nil || refusal.StatusCode != 401 && refusal.StatusCode != 404 {
		w.t.Errorf("%s at the pen socket of another signer: %v", who.role, err)
	}
	if who.role != api.Signer {
		if consent.Status != 401 || capture.Status != 401 {
			w.t.Errorf("%s may consent (%s) or record (%s)", who.role, consent, capture)
		}
		return capture
	}
	who.pen().Close() // the signer's own opens
	return capture
}

// nobodysOpening acts on a question that nobody asked: who may do that is told so,
// everybody else nothing.
func nobodysOpening(act string, body any) try {
	return func(_ *world, who *actor, _ string) answer {
		a := who.do("POST", "/api/openings/"+strings.Repeat("0", 32)+"/"+act, body)
		if a.Status == http.StatusNotFound && strings.Contains(string(a.Body), "no such question") {
			a.Status = http.StatusConflict
		}
		return a
	}
}

// allOf are requests that one line of the table decides: all come to the same.
func allOf(tries ...try) try {
	return func(w *world, who *actor, document string) (first answer) {
		for i, do := range tries {
			a := do(w, who, document)
			if i == 0 {
				first = a
			} else if verdict(a) != verdict(first) {
				w.t.Errorf("%s: request %d of a line: %s, the first: %s", who.role, i+1, a, first)
			}
		}
		return first
	}
}

// nobodysHold agrees to a hold that nobody placed, likewise.
func nobodysHold(_ *world, who *actor, document string) answer {
	a := who.do("POST", "/api/documents/"+document+"/holds/"+strings.Repeat("0", 32)+"/agree", nil)
	if a.Status == http.StatusNotFound && strings.Contains(string(a.Body), "no such hold") {
		a.Status = http.StatusConflict
	}
	return a
}

var disputed = map[string]string{"reference": "2026-17", "question": "Who signed?", "parties": ""}

// ownCase is a request on a case of who asks. The same on somebody else's is
// refused to all.
func ownCase(method, path string, body any) try {
	return func(w *world, who *actor, _ string) answer {
		foreign := who.do(method, "/api/cases/"+w.id("/api/cases", disputed)+path, body)
		if foreign.Status != 401 && foreign.Status != 403 && foreign.Status != 404 || strings.Contains(string(foreign.Body), "no such signature") {
			w.t.Errorf("%s: %s %s of somebody else’s case: %s", who.role, method, path, foreign)
		}
		var made struct{ ID string }
		begun := who.do("POST", "/api/cases", disputed)
		if begun.Status != 201 {
			return foreign
		}
		begun.json(w.t, &made)
		a := who.do(method, "/api/cases/"+made.ID+path, body)
		if a.Status == http.StatusNotFound && strings.Contains(string(a.Body), "no such signature") {
			a.Status = http.StatusConflict
		}
		return a
	}
}

// deleteComment deletes what who wrote, where who may write, and tries to delete
// what carl wrote, which is refused to all.
func deleteComment(w *world, who *actor, _ string) answer {
	document := w.theirs
	if who.role.Member() {
		document = w.shared[who.role][api.See]
	}
	foreign := who.do("DELETE", "/api/documents/"+document+"/comments/"+w.comment(document), nil)
	if foreign.Status != 401 && foreign.Status != 403 && foreign.Status != 404 {
		w.t.Errorf("%s deletes somebody else’s comment: %s", who.role, foreign)
	}
	var made struct{ ID string }
	written := who.do("POST", "/api/documents/"+document+"/comments", map[string]string{"text": "mine"})
	if written.Status != 201 {
		return foreign
	}
	written.json(w.t, &made)
	return who.do("DELETE", "/api/documents/"+document+"/comments/"+made.ID, nil)
}

// verdict is what an answer says about access: "yes", "no", or "fresh" where a
// fresh proof is asked for. A state that does not fit comes after access.
func verdict(a answer) string {
	switch {
	case a.Status < 300, a.Status == http.StatusConflict:
		return "yes"
	case problemOf(a) == "step-up":
		return "fresh"
	case a.Status == 401, a.Status == 403, a.Status == 404:
		return "no"
	}
	return a.String()
}

// TestA15_EveryCell tries every cell of the access table against the service,
// with a request for each object that the cell is about, and with a socket where
// there is one.
func TestA15_EveryCell(t *testing.T) {
	w := newWorld(t)
	w.tryDirectory() // the writes of one line, which are many
	cells := api.Cells()
	slices.SortStableFunc(cells, func(a, b api.Cell) int { return weight(a) - weight(b) })
	tried := map[string]bool{}
	requests := 0
	check := func(c api.Cell, what, document, want string) {
		t.Helper()
		l := lines[string(c.Kind)+" "+string(c.Action)]
		requests++
		if got := verdict(l.try(w, w.actors[c.Role], document)); got != want {
			t.Errorf("%s %s by %s (%s), %s: %s, want %s", c.Kind, c.Action, c.Role, c.Reach, what, got, want)
		}
	}
	for _, c := range cells {
		name := string(c.Kind) + " " + string(c.Action)
		l, ok := lines[name]
		if !ok {
			t.Errorf("%s by %s has no request", name, c.Role)
			continue
		}
		tried[name] = true
		if !l.about {
			check(c, "", "", map[bool]string{true: "yes", false: "no"}[c.Reach != "-"])
			if c.Reach == "f" {
				w.stale(c.Role)
				check(c, "with an old proof", "", "fresh")
				w.renew(c.Role)
			}
			continue
		}
		for what, object := range w.objects(c) {
			check(c, what, object.id, object.want)
		}
		if c.Role == api.Owner { // of another organisation
			requests++
			for _, id := range []string{w.theirs, w.sent} {
				if got := verdict(l.try(w, w.far, id)); got != "no" {
					t.Errorf("%s by the owner of another organisation: %s", name, got)
				}
			}
		}
	}
	for name := range lines {
		if !tried[name] {
			t.Errorf("%s has a request, and no line in the table", name)
		}
	}
	t.Logf("%d cells, %d requests", len(cells), requests)
}

// weight puts last what takes somebody away.
func weight(c api.Cell) int {
	switch {
	case c.Kind == api.ProfileObject && c.Action == api.Delete && c.Role == api.Owner:
		return 2
	case c.Kind == api.ProfileObject && c.Action == api.Delete:
		return 1
	}
	return 0
}

type object struct{ id, want string }

// objects are the documents that a cell is tried on, each with what comes of it.
func (w *world) objects(c api.Cell) map[string]object {
	all := map[string]object{"somebody else’s": {w.theirs, "no"}}
	if c.Reach == "o" || c.Reach == "g" || c.Reach == "c" {
		all["somebody else’s"] = object{w.sent, "yes"}
		if c.Action == api.Update {
			all["somebody else’s"] = object{w.theirs, "yes"}
		}
	}
	if id := w.own[c.Role]; id != "" {
		want := "no"
		if c.Reach == "w" || c.Reach == "o" {
			want = "yes"
		}
		all["one’s own"] = object{id, want}
	}
	for level, id := range w.shared[c.Role] {
		want := "no"
		if c.Reach == "o" || c.Reach == "w" && slices.Contains(level.Actions(c.Kind), c.Action) {
			want = "yes"
		}
		all["shared to "+string(level)] = object{id, want}
	}
	return all
}

// stale makes the proof of a role's session old; renew makes it fresh again, as
// its holder would.
func (w *world) stale(role api.Role) {
	w.t.Helper()
	db, err := sql.Open("sqlite", "file:"+filepath.Join(w.s.data, "inkwitness.db")+"?_pragma=busy_timeout(10000)")
	if err != nil {
		w.t.Fatal(err)
	}
	defer db.Close()
	if _, err := db.Exec(`UPDATE sessions SET proved = 0 WHERE account = ? AND ended IS NULL`, w.actors[role].account); err != nil {
		w.t.Fatal(err)
	}
}

func (w *world) renew(role api.Role) {
	w.actors[role].must("POST", "/api/session/proof", map[string]string{"password": ownerPassword}, nil)
}

// TestA15_ListsHoldOnlyWhatMayBeRead looks into the lists: one's own and what was
// shared, or all of the organisation, and nothing of another.
func TestA15_ListsHoldOnlyWhatMayBeRead(t *testing.T) {
	s, _ := sharedService(t)
	owner, _ := s.organisation("Lists", "owner@lists.example")
	sam, sue, rita := owner.join("sam@lists.example", "sender"), owner.join("sue@lists.example", "sender"), owner.join("rita@lists.example", "reviewer")
	ada := person{"Ada", "ada@lists.example"}
	ids := map[string]string{"sam": sam.draft("Sam’s", ada).ID, "sue": sue.draft("Sue’s", ada).ID, "owner": owner.draft("Owner’s", ada).ID}
	sam.must("PUT", "/api/documents/"+ids["sam"]+"/shares", map[string]string{"email": "rita@lists.example", "level": "see"}, nil)
	if text, _ := owner.mailed("rita@lists.example", documentLink); strings.Contains(text, "Sam’s") {
		t.Errorf("the mail about a shared document holds its title: %q", text)
	}
	far, _ := s.organisation("Elsewhere", "owner@elsewhere.example")
	for name, test := range map[string]struct {
		c    *client
		want []string
	}{
		"owner": {owner, []string{"owner", "sam", "sue"}}, "a sender": {sam, []string{"sam"}}, "another": {sue, []string{"sue"}},
		"who it is shared with": {rita, []string{"sam"}}, "another organisation": {far, nil},
	} {
		var list struct{ Documents []struct{ ID string } }
		test.c.must("GET", "/api/documents", nil, &list)
		var got []string
		for _, d := range list.Documents {
			for who, id := range ids {
				if d.ID == id {
					got = append(got, who)
				}
			}
		}
		slices.Sort(got)
		if !slices.Equal(got, test.want) || len(list.Documents) != len(test.want) {
			t.Errorf("%s lists %v of %d, want %v", name, got, len(list.Documents), test.want)
		}
	}
	sam.must("DELETE", "/api/documents/"+ids["sam"]+"/shares/"+rita.account(), nil, nil)
	refused(t, "a document that is shared no more", rita.do("GET", "/api/documents/"+ids["sam"], nil), 404, "not found")
}

// TestA16_Comments: those who may read a document read its comments, told by a
// mail without content; HTML stays text; one's own can be deleted.
func TestA16_Comments(t *testing.T) {
	s, _ := sharedService(t)
	owner, _ := s.organisation("Comments", "owner@comments.example")
	sam, rita, eve := owner.join("sam@comments.example", "sender"), owner.join("rita@comments.example", "reviewer"), owner.join("eve@comments.example", "reviewer")
	d := sam.draft("Lease", person{"Ada", "ada@comments.example"})
	sam.must("PUT", "/api/documents/"+d.ID+"/shares", map[string]string{"email": "rita@comments.example", "level": "see"}, nil)
	path := "/api/documents/" + d.ID + "/comments"
	const html = `<script>alert(1)</script><b>ok</b>`
	var mine struct{ ID, Text string }
	rita.must("POST", path, map[string]string{"text": html + "\u202e\x00"}, &mine)
	if mine.Text != html {
		t.Errorf("the comment became %q", mine.Text)
	}
	a := sam.do("GET", path, nil)
	if kind := a.Header.Get("Content-Type"); kind != "application/json" || a.Header.Get("X-Content-Type-Options") != "nosniff" {
		t.Errorf("comments come as %q: %s", kind, a)
	}
	if strings.Contains(string(a.Body), "rita@comments.example") {
		t.Error("a comment shows its writer's address")
	}
	if text, _ := owner.mailed("sam@comments.example", documentLink); strings.Contains(text, "script") || strings.Contains(text, "Lease") {
		t.Errorf("the mail about a comment holds its content: %q", text)
	}
	refused(t, "comments by who may not read the document", eve.do("GET", path, nil), 404, "not found")
	refused(t, "an empty comment", rita.do("POST", path, map[string]string{"text": " \u200b "}), 422, "write something")
	refused(t, "deleting somebody else's", sam.do("DELETE", path+"/"+mine.ID, nil), 404, "not found")
	rita.must("DELETE", path+"/"+mine.ID, nil, nil)
	var left struct{ Comments []any }
	sam.must("GET", path, nil, &left)
	if len(left.Comments) != 0 {
		t.Errorf("%d comments after deleting", len(left.Comments))
	}
}
