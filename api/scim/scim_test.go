package scim_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"inkwitness/api"
	"inkwitness/api/scim"
	"inkwitness/api/store"
	"inkwitness/api/store/storetest"
)

type service struct {
	t       *testing.T
	clock   *storetest.Clock
	store   *store.Accounts
	handler http.Handler
}

func newService(t *testing.T) *service {
	t.Helper()
	s := &service{t: t, clock: storetest.NewClock()}
	db, err := store.Open(t.Context(), storetest.SQLite(t), store.Options{Clock: s.clock})
	s.must(err)
	t.Cleanup(func() { s.must(db.Close()) })
	s.store = storetest.Accounts(t, db)
	h, err := scim.New(scim.Config{Store: s.store, Clock: s.clock, URL: "https://ink.example.org"})
	s.must(err)
	a, err := api.New(api.Config{Clock: s.clock})
	s.must(err)
	a.Identify(func(r *http.Request) (api.Identity, error) { // an API key, said by a header
		who := strings.Fields(r.Header.Get("X-Test-Who"))
		if len(who) < 3 {
			return api.Identity{}, nil
		}
		if len(who) > 3 && who[3] == "session" {
			return api.Identity{Account: who[0], Organisation: who[1], Role: api.Role(who[2]), Session: "s", Fresh: len(who) > 4}, nil
		}
		return api.Identity{Account: who[0], Organisation: who[1], Role: api.Role(who[2]), Scopes: append(api.Scopes{}, who[3:]...)}, nil
	})
	a.Mount(h)
	s.handler = a.Handler()
	ctx := t.Context()
	for _, org := range []string{"one", "two", "three"} {
		s.must(s.store.CreateOrganisation(ctx, api.Organisation{ID: org, Created: s.clock.Now()}))
		s.must(s.store.CreateAccount(ctx, api.Account{ID: "owner-" + org, State: api.AccountActive, Created: s.clock.Now(), Profile: api.Profile{Email: org + "@example.org"}}))
		s.must(s.store.AddMember(ctx, api.Member{Account: "owner-" + org, Organisation: org, Role: api.Owner, Added: s.clock.Now()}))
		if org != "three" {
			s.must(s.store.SaveProvider(ctx, api.Provider{ID: "p-" + org, Organisation: org, Kind: "oidc", Role: api.Reviewer, Created: s.clock.Now()}))
		}
	}
	return s
}

func (s *service) must(err error) {
	s.t.Helper()
	if err != nil {
		s.t.Fatal(err)
	}
}

const one, two = "owner-one one owner provisioning:update", "owner-two two owner provisioning:update"

func (s *service) do(who, method, path, body string, status int) map[string]any {
	s.t.Helper()
	s.clock.Advance(time.Millisecond)
	r := httptest.NewRequest(method, "/scim/v2"+path, strings.NewReader(body))
	r.Header.Set("Content-Type", "application/scim+json")
	r.Header.Set("X-Test-Who", who)
	w := httptest.NewRecorder()
	s.handler.ServeHTTP(w, r)
	if w.Code != status {
		s.t.Errorf("%s %s: %d, want %d: %s", method, path, w.Code, status, w.Body)
	}
	if w.Body.Len() == 0 {
		return nil
	}
	if ct := w.Header().Get("Content-Type"); ct != "application/scim+json" {
		s.t.Errorf("content type %q", ct)
	}
	var out map[string]any
	s.must(json.Unmarshal(w.Body.Bytes(), &out))
	if schema := fmt.Sprint(out["schemas"]); w.Code >= 400 && (!strings.Contains(schema, "Error") || out["status"] != fmt.Sprint(status)) {
		s.t.Errorf("not an error of SCIM: %s", w.Body)
	}
	return out
}

func (s *service) create(who, address string) string {
	s.t.Helper()
	u := s.do(who, "POST", "/Users", `{"schemas":["urn:ietf:params:scim:schemas:core:2.0:User"],"userName":"`+address+`","externalId":"x-`+address+`",
		"name":{"givenName":"Zoë","familyName":"Marker"},"emails":[{"primary":true,"value":"`+address+`","type":"work"}],"active":true,"title":"ignored"}`, 201)
	id, _ := u["id"].(string)
	return id
}

func names(out map[string]any) (all []string) {
	for _, r := range out["Resources"].([]any) {
		u := r.(map[string]any)
		if n, ok := u["userName"].(string); ok {
			all = append(all, n)
		} else {
			all = append(all, u["displayName"].(string))
		}
	}
	return all
}

func TestUsers(t *testing.T) {
	s := newService(t)
	ann := s.create(one, "ann@corp.example")
	s.create(one, "bob@corp.example")
	s.create(two, "ann@corp.example") // the same address in another organisation is another person
	s.do(one, "POST", "/Users", `{"userName":"ANN@corp.example"}`, 409)
	s.do(one, "POST", "/Users", `{"userName":"no address"}`, 400)
	s.do(one, "POST", "/Users", `{"userName":`, 400)
	if got := names(s.do(one, "GET", "/Users", "", 200)); !slices.Equal(got, []string{"ann@corp.example", "bob@corp.example"}) {
		t.Error(got) // the owner, who was invited, is not the directory's
	}
	for filter, want := range map[string]int{`userName eq "Bob@corp.example"`: 1, `externalId eq "x-ann@corp.example"`: 1, `userName eq "eve"`: 0} {
		if got := s.do(one, "GET", "/Users?filter="+strings.ReplaceAll(filter, " ", "%20"), "", 200); got["totalResults"] != float64(want) {
			t.Errorf("%s: %v", filter, got)
		}
	}
	for _, bad := range []string{"userName co bob", `userName%20eq%20bob`, `title%20eq%20"x"`, `userName%20eq%20"a"%20or%20id%20eq%20"b"`} {
		s.do(one, "GET", "/Users?filter="+strings.ReplaceAll(bad, " ", "%20"), "", 400)
	}
	if got := s.do(one, "GET", "/Users?startIndex=2&count=1", "", 200); !slices.Equal(names(got), []string{"bob@corp.example"}) || got["totalResults"] != 2.0 {
		t.Error(got)
	}
	s.do(one, "GET", "/Users?startIndex=99999999&count=-5", "", 200)
	s.do(one, "GET", "/Users?count=x", "", 400)

	u := s.do(one, "GET", "/Users/"+ann, "", 200)
	if u["displayName"] != "Zoë Marker" || u["active"] != true || u["externalId"] != "x-ann@corp.example" ||
		u["meta"].(map[string]any)["location"] != "https://ink.example.org/scim/v2/Users/"+ann {
		t.Error(u)
	}
	s.do(one, "PUT", "/Users/"+ann, `{"userName":"ann2@corp.example","displayName":"Ann","active":true}`, 200)
	for _, other := range []string{"owner-one", "owner-two", "nobody"} {
		s.do(one, "GET", "/Users/"+other, "", 404)
		s.do(one, "PATCH", "/Users/"+other, `{"Operations":[{"op":"replace","value":{"active":false}}]}`, 404)
		s.do(one, "DELETE", "/Users/"+other, "", 404)
	}
	s.do(two, "GET", "/Users/"+ann, "", 404)
	s.do(one, "DELETE", "/Users/"+ann, "", 204)
	s.do(one, "GET", "/Users/"+ann, "", 404)
	if key, err := s.store.Key(t.Context(), "account:"+ann); err != nil || key.Wrapped != nil {
		t.Error("the key of a deleted user is there", err)
	}
}

func TestPatch(t *testing.T) {
	s := newService(t)
	ann := s.create(one, "ann@corp.example")
	now := s.clock.Now()
	s.must(s.store.BeginSession(t.Context(), api.Session{ID: "s1", Account: ann, Organisation: "one", Created: now, Seen: now, Proved: now,
		Expires: now.Add(time.Hour), Binding: []byte{1}, Secret: api.SessionSecret{Present: []byte{1}, Renewed: now}}, [32]byte{1}))
	patch := func(ops string, status int) map[string]any {
		t.Helper()
		return s.do(one, "PATCH", "/Users/"+ann, `{"schemas":["urn:ietf:params:scim:api:messages:2.0:PatchOp"],"Operations":[`+ops+`]}`, status)
	}
	// As Entra and Okta write it.
	if u := patch(`{"op":"Replace","path":"displayName","value":"Ann"},{"op":"Add","path":"emails[type eq \"work\"].value","value":"a@corp.example"}`, 200); u["displayName"] != "Ann" || u["userName"] != "a@corp.example" {
		t.Error(u)
	}
	if u := patch(`{"op":"replace","value":{"active":false,"title":"x"}}`, 200); u["active"] != false {
		t.Error(u)
	}
	if reason, err := s.store.EndReason(t.Context(), "s1"); err != nil || reason != "provisioning" {
		t.Errorf("the session of who was switched off: %q %v", reason, err)
	}
	if u := patch(`{"op":"Replace","path":"active","value":"True"}`, 200); u["active"] != true {
		t.Error(u)
	}
	if u := patch(`{"op":"remove","path":"externalId"}`, 200); u["externalId"] != nil {
		t.Error(u)
	}
	for _, bad := range []string{``, `{"op":"destroy","path":"active"}`, `{"op":"remove","path":"userName"}`, `{"op":"replace","path":"active","value":"maybe"}`,
		`{"op":"replace","value":"x"}`, `{"op":"replace","path":"userName","value":"not an address"}`, strings.TrimSuffix(strings.Repeat(`{"op":"add","path":"title"},`, 101), ",")} {
		patch(bad, 400)
	}
	if events, err := s.store.AuditChain(t.Context(), "organisation:one"); err != nil || len(events) != 5 {
		t.Errorf("%d events, %v", len(events), err)
	}
}

func TestGroups(t *testing.T) {
	s := newService(t)
	ann, bob := s.create(one, "ann@corp.example"), s.create(one, "bob@corp.example")
	if got := names(s.do(one, "GET", "/Groups", "", 200)); !slices.Equal(got, []string{"admin", "manager", "sender", "reviewer", "investigator", "auditor"}) {
		t.Error(got)
	}
	if got := s.do(one, "GET", `/Groups?filter=displayName%20eq%20"Sender"`, "", 200); got["totalResults"] != 1.0 {
		t.Error(got)
	}
	role := func(id string) api.Role {
		t.Helper()
		all, err := s.store.Members(t.Context(), "one")
		s.must(err)
		for _, m := range all {
			if m.Account == id {
				return m.Role
			}
		}
		return ""
	}
	patch := func(group, op string, status int) {
		t.Helper()
		s.do(one, "PATCH", "/Groups/"+group, `{"Operations":[`+op+`]}`, status)
	}
	patch("sender", `{"op":"add","path":"members","value":[{"value":"`+ann+`"},{"value":"`+bob+`"}]}`, 204)
	if role(ann) != api.Sender || role(bob) != api.Sender {
		t.Error(role(ann), role(bob))
	}
	patch("sender", `{"op":"remove","path":"members[value eq \"`+bob+`\"]"}`, 204)
	if role(bob) != api.Reviewer {
		t.Error(role(bob))
	}
	patch("sender", `{"op":"replace","value":{"members":[{"value":"`+bob+`"}]}}`, 204)
	if role(ann) != api.Reviewer || role(bob) != api.Sender {
		t.Error(role(ann), role(bob))
	}
	patch("owner", `{"op":"add","path":"members","value":[{"value":"`+ann+`"}]}`, 404)
	patch("signer", `{"op":"add","path":"members","value":[{"value":"`+ann+`"}]}`, 404)
	patch("admin", `{"op":"add","path":"members","value":[{"value":"owner-one"}]}`, 404)
	patch("admin", `{"op":"add","path":"members","value":[{"value":"owner-two"}]}`, 404)
	patch("admin", `{"op":"add","path":"displayName","value":"x"}`, 400)
	if role("owner-one") != api.Owner {
		t.Error("the directory unmade an owner")
	}
	if g := s.do(one, "GET", "/Groups/sender", "", 200); len(g["members"].([]any)) != 1 {
		t.Error(g)
	}
}

func TestWhoMay(t *testing.T) {
	s := newService(t)
	for who, status := range map[string]int{
		"":                                  401,
		"owner-one one owner document:read": 403, // a key of another scope
		"x one sender provisioning:update":  403, // made by somebody who may not
		"owner-three three owner provisioning:update": 409, // no provider to sign in at
		one: 200,
	} {
		s.do(who, "GET", "/Users", "", status)
	}
	if c := s.do(one, "GET", "/ServiceProviderConfig", "", 200); c["patch"].(map[string]any)["supported"] != true {
		t.Error(c)
	}
}

// TestOwnersAreNotTheDirectorys: an administrator with a directory's key takes no
// owner's account over, and leaves no organisation without an owner.
func TestOwnersAreNotTheDirectorys(t *testing.T) {
	s := newService(t)
	ann, bob := s.create(one, "ann@corp.example"), s.create(one, "bob@corp.example")
	s.must(s.store.SetRole(t.Context(), "one", ann, api.Owner))
	s.must(s.store.RemoveMember(t.Context(), "one", "owner-one")) // ann is the last
	const admin = "x one admin provisioning:update"
	replace := func(path, value string) string {
		return `{"Operations":[{"op":"replace","path":"` + path + `","value":` + value + `}]}`
	}
	for _, change := range []string{replace("userName", `"mallory@corp.example"`), replace("emails", `[{"value":"mallory@corp.example","primary":true}]`),
		replace("active", "false")} {
		s.do(admin, "PATCH", "/Users/"+ann, change, 403)
	}
	s.do(admin, "PUT", "/Users/"+ann, `{"userName":"ann@corp.example","active":false}`, 403)
	s.do(admin, "DELETE", "/Users/"+ann, "", 403)
	s.do(admin, "PATCH", "/Groups/auditor", `{"Operations":[{"op":"add","path":"members","value":[{"value":"`+ann+`"}]}]}`, 403)
	s.do(admin, "PATCH", "/Groups/auditor", `{"Operations":[{"op":"replace","value":{"members":[{"value":"`+bob+`"},{"value":"`+ann+`"}]}}]}`, 403)
	acc, err := s.store.Account(t.Context(), ann)
	s.must(err)
	of, err := s.store.Memberships(t.Context(), ann)
	s.must(err)
	if acc.Email != "ann@corp.example" || acc.State != api.AccountActive || of[0].Role != api.Owner {
		t.Errorf("%+v, %+v", acc, of)
	}
	// What a directory sends of everybody is no change.
	s.do(admin, "PUT", "/Users/"+ann, `{"userName":"ann@corp.example","displayName":"Ann","active":true}`, 200)
}

// TestTheOperatorsWordStays: a directory opens what it closed, and no more.
func TestTheOperatorsWordStays(t *testing.T) {
	s := newService(t)
	ann := s.create(one, "ann@corp.example")
	patch := func(path, value string) any {
		t.Helper()
		return s.do(one, "PATCH", "/Users/"+ann, `{"Operations":[{"op":"replace","path":"`+path+`","value":`+value+`}]}`, 200)["active"]
	}
	state := func() api.AccountState {
		acc, err := s.store.Account(t.Context(), ann)
		s.must(err)
		return acc.State
	}
	for _, set := range []api.AccountState{api.AccountActive, api.AccountDeactivated, api.AccountBlocked} {
		acc, err := s.store.Account(t.Context(), ann)
		s.must(err)
		acc.State, acc.ByOperator = set, set
		s.must(s.store.SaveAccount(t.Context(), acc))
		if patch("displayName", `"Ann"`); state() != set {
			t.Errorf("another name: %s is now %s", set, state())
		}
		if patch("active", "false"); state() != api.AccountBlocked {
			t.Errorf("switched off: %s", state())
		}
		if on := patch("active", "true"); state() != set || on != (set != api.AccountBlocked) {
			t.Errorf("switched on: %s is now %s, told as %v", set, state(), on)
		}
	}
}

// TestPeopleProveBeforeTheyChangeMembers: a session that asks in a directory's
// place changes nothing with an old proof.
func TestPeopleProveBeforeTheyChangeMembers(t *testing.T) {
	s := newService(t)
	id := s.create(one, "ann@corp.example")
	const person = "owner-one one owner session"
	s.do(person, "GET", "/Users", "", 200)
	s.do(person, "POST", "/Users", `{"userName":"eve@corp.example"}`, 403)
	s.do(person, "DELETE", "/Users/"+id, "", 403)
	s.do(person+" fresh", "DELETE", "/Users/"+id, "", 204)
}
