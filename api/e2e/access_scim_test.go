package e2e

import (
	"encoding/xml"
	"fmt"
	"strings"
	"time"

	"github.com/pquerna/otp/totp"

	"inkwitness/api"
)

// withSecond adds a second factor to the account of c, which its session has then.
func (c *client) withSecond() *client {
	c.t.Helper()
	var offer struct{ Secret string }
	c.must("POST", "/api/factors/totp", nil, &offer)
	code, err := totp.GenerateCode(offer.Secret, time.Now())
	if err != nil {
		c.t.Fatal(err)
	}
	c.must("POST", "/api/factors/totp/confirm", map[string]string{"code": code}, nil)
	return c
}

// directory lets the organisation have users of a directory: they sign in at a
// provider that nobody asks here.
func (w *world) directory() {
	w.t.Helper()
	metadata, err := xml.Marshal(newSAMLIDP(w.t).Metadata())
	if err != nil {
		w.t.Fatal(err)
	}
	w.maker.must("PUT", "/api/organisation/provider", map[string]any{"kind": "saml", "metadata": string(metadata), "role": "reviewer"}, nil)
}

// scimUser is an account that the directory made.
func (w *world) scimUser() string {
	w.made++
	return w.id("/scim/v2/Users", map[string]any{"userName": fmt.Sprintf("user%d@table.example", w.made)})
}

func replaced(path string, value any) map[string]any {
	return map[string]any{"Operations": []any{map[string]any{"op": "replace", "path": path, "value": value}}}
}

// scimWrites are the changes of the line "provisioning update", each on a user of
// the directory ({id}) and, which is refused to all, on one who is an owner.
var scimWrites = map[string]struct {
	method, path string
	body         func(id string) any
}{
	"address":       {"PATCH", "/Users/{id}", func(id string) any { return replaced("userName", id+"@evil.example") }},
	"active":        {"PATCH", "/Users/{id}", func(string) any { return replaced("active", false) }},
	"whole picture": {"PUT", "/Users/{id}", func(id string) any { return map[string]any{"userName": id + "@evil.example", "active": true} }},
	"role": {"PATCH", "/Groups/auditor", func(id string) any {
		return map[string]any{"Operations": []any{map[string]any{"op": "add", "path": "members", "value": []any{map[string]string{"value": id}}}}}
	}},
	"delete": {"DELETE", "/Users/{id}", func(string) any { return nil }},
}

// tryDirectory tries every write of a directory by every role, with a fresh and an
// old proof, and on an owner.
func (w *world) tryDirectory() {
	t := w.t
	t.Helper()
	w.directory()
	owner := w.scimUser()
	w.maker.must("PATCH", "/api/members/"+owner, map[string]string{"role": "owner"}, nil)
	reach := map[api.Role]string{}
	for _, c := range api.Cells() {
		if c.Kind == api.ProvisioningObject && c.Action == api.Update {
			reach[c.Role] = c.Reach
		}
	}
	for role, who := range w.actors {
		may := reach[role] == "o"
		want := map[bool]string{true: "yes", false: "no"}[may]
		w.made++
		if got := verdict(who.do("POST", "/scim/v2/Users", map[string]any{"userName": fmt.Sprintf("new%d@table.example", w.made)})); got != want {
			t.Errorf("create by %s: %s, want %s", role, got, want)
		}
		for name, write := range scimWrites {
			send := func(id string) answer {
				return who.do(write.method, "/scim/v2"+strings.ReplaceAll(write.path, "{id}", id), write.body(id))
			}
			if got := verdict(send(owner)); got != "no" {
				t.Errorf("%s of an owner by %s: %s", name, role, got)
			}
			user := w.scimUser()
			if may {
				w.stale(role)
				if a := send(user); a.Status != 403 { // in SCIM's own form of errors
					t.Errorf("%s by %s with an old proof: %s", name, role, a)
				}
				w.renew(role)
			}
			if got := verdict(send(user)); got != want {
				t.Errorf("%s by %s: %s, want %s", name, role, got, want)
			}
		}
	}
	var members struct {
		Members []struct{ Account, Role string }
	}
	w.maker.must("GET", "/api/members", nil, &members)
	for _, m := range members.Members {
		if m.Account == owner && m.Role != "owner" {
			t.Errorf("the owner is now %s", m.Role)
		}
	}
}
