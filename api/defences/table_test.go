package defences

// defence is a line of the code that keeps somebody out, and what switches it off.
type defence struct {
	name     string
	file     string // from the root of the module
	text     string // stands there once
	off      string // stands there instead when the defence is off
	packages string // whose test must notice
	test     string // pattern of -run
	quick    bool   // tried in every run of the tests, the others by make mutants
}

// table lists the defences. A new one goes here with the test that misses it. What
// another line holds up too (most shapes that package saml refuses are refused by
// its library as well) cannot be missed, and is not here.
var table = []defence{
	// Passwords and guessing.
	{"a password is compared", "api/auth/password.go", `ok = subtle.ConstantTimeCompare(h.derive(c, salt, password), want) == 1`,
		`ok = subtle.ConstantTimeCompare(h.derive(c, salt, password), want) >= 0`, "./api/auth", "^TestHashing$", false},
	{"passwords are hashed with the pepper", "api/auth/password.go", `mac := hmac.New(sha256.New, h.pepper)`, `mac := hmac.New(sha256.New, nil)`, "./api/auth", "^TestHashing$", false},
	{"few passwords are hashed at once", "api/auth/password.go", `running: make(chan struct{}, maxRunning)`, `running: make(chan struct{}, 1000)`, "./api/auth", "^TestHasherIsBounded$", false},
	{"common passwords are refused", "api/auth/password.go", `case guessable(password, own):`, `case false:`, "./api/auth", "^TestNewPasswords$", false},
	{"a password alone is long", "api/auth/password.go", `least := minAlone`, `least := minSecond`, "./api/auth", "^TestNewPasswords$", false},
	{"an unknown address costs as much as a wrong password", "api/auth/signin.go", `	ok, renew, err := h.hasher.check(ctx, stored, password)`,
		"	if unknown {\n		return acc, h.wrong(ctx, acc, unknown)\n	}\n	ok, renew, err := h.hasher.check(ctx, stored, password)", "./api/auth", "^TestUnknownAddressesAreHashedToo$", false},
	{"tries are counted", "api/auth/limits.go", `if n <= l.max {`, `if n <= l.max || n > 0 {`, "./api/auth", "^TestA4GuessesAreCounted$", false},
	{"a limit that cannot be counted is closed", "api/auth/limits.go", `	if err != nil {
		return fmt.Errorf("limit %s: %w: %w", l.name, api.ErrUnavailable, err)`,
		"	if err != nil {\n		return nil", "./api/auth", "^TestLimitsFailClosed$", false},

	// Invitations.
	{"an invitation is used once", "api/store/accounts.go", `SET used = $2 WHERE id = $1 AND used IS NULL AND revoked IS NULL AND expires > $2`,
		`SET used = $2 WHERE id = $1 AND revoked IS NULL AND expires > $2`, "./api/store", "^TestStore$/sqlite/Invitations$", false},
	{"an invitation ends", "api/auth/invitation.go", `!h.cfg.Clock.Now().Before(i.Expires)`, `false`, "./api/auth", "^TestA1A2Invitations$", false},
	{"an invitation is for one address", "api/auth/invitation.go", `!strings.EqualFold(in.Body.Email, i.Email)`, `false`, "./api/auth", "^TestA1A2Invitations$", false},
	{"an account is joined by its holder alone", "api/auth/invitation.go", `if id.Account != acc.ID {`, `if false {`, "./api/auth", "^TestInvitationOfSomebodyWithAnAccount$", false},

	// Factors.
	{"a time-based code works once", "api/store/factors.go", `AND last_step < $2`, `AND last_step <= $2`, "./api/auth", "^TestA8TOTP$", false},
	{"a recovery code works once", "api/store/factors.go", `SET used = $3 WHERE account = $1 AND hash = $2 AND used IS NULL`,
		`SET used = $3 WHERE account = $1 AND hash = $2`, "./api/auth", "^TestA8TOTP$", false},
	{"a password is not enough where there is a second factor", "api/auth/factors.go", `case code == "":`, "case code == \"\":\n		return proved{}, nil\n	case false:", "./api/auth", "^TestA8TOTP$", false},
	{"an organisation can ask for a second factor", "api/auth/session.go", `return (org.SecondFactor || s.Role == api.Staff) && !s.SecondFactor`, `return s.Role == api.Staff && !s.SecondFactor`, "./api/auth", "^TestA8ForcedSecondFactor$", false},
	{"a passkey that was copied is refused", "api/auth/passkeys.go", `case credential.Authenticator.CloneWarning:`, `case credential == nil:`, "./api/auth", "^TestA8Passkeys$", false},
	{"a proof is of one's own passkey", "api/auth/passkeys.go", `if who.ID != id.Account {`, `if who.ID == "" {`, "./api/auth", "^TestFreshProofByPasskey$", false},
	{"a signer shows a passkey of the address that was invited", "api/auth/app.go", `(acc.ID != shown.ID || acc.State != api.AccountActive)`, `(shown.ID == "" || acc.State != api.AccountActive)`, "./api/auth", "^TestA12PasskeyOfASigner$", false},
	{"a passkey is shown in the session that asked", "api/auth/passkeys.go", `if c.Account != id.Account || c.Session != id.Session {`, `if false {`, "./api/auth", "^TestA12PasskeyOfASigner$", false},
	{"a passkey's challenge works once", "api/store/factors.go", `DELETE FROM challenges WHERE token_hash = $1 AND kind = $2 AND expires > $3
			RETURNING`, `UPDATE challenges SET tries = tries + 1 WHERE token_hash = $1 AND kind = $2 AND expires > $3
			RETURNING`, "./api/auth", "^TestA8Passkeys$", false},
	{"credentials change only with a fresh proof", "api/auth/factors.go", `if err == nil && !id.Fresh {`, `if false {`, "./api/auth", "^TestFreshProof$", false},
	{"a reset needs the second factor", "api/auth/reset.go", `p, err := h.checkSecond(ctx, acc, in.Body.Code, false)`,
		`p, err := proved{}, error(nil)`, "./api/auth", "^TestResetNeedsTheSecondFactor$", false},
	{"a reset ends sessions", "api/auth/reset.go", `return errors.Join(err, h.cfg.Store.EndSession(ctx, live.ID, endPassword, now))`, `_ = live; return err`, "./api/auth", "^TestResetEndsSessions$", false},

	// Sessions.
	{"an account has one live session", "api/auth/signin.go", `	return &live, nil
}`, `	return nil, h.cfg.Store.EndSession(ctx, live.ID, endTakenOver, now)
}`, "./api/auth", "^TestA5A6SecondSignIn$", false},
	{"the database keeps to one live session", "api/store/sessions.go", `ON CONFLICT (account) WHERE ended IS NULL DO NOTHING`,
		`ON CONFLICT (account) WHERE ended IS NULL DO UPDATE SET id = excluded.id, token_hash = excluded.token_hash`, "./api/store", "^TestStore$/sqlite/Sessions$", false},
	{"a take-over needs a proof", "api/auth/factors.go", `case !f.any() && !takeOver:`, `case !f.any():`, "./api/auth", "^TestA5A6SecondSignIn$", false},
	{"a copied cookie is noticed", "api/auth/session.go", `case subtle.ConstantTimeCompare(s.Binding, binding(api.ClientOf(ctx).Agent, s.ID)) == 0:`, `case subtle.ConstantTimeCompare(s.Binding, nil) > 1:`, "./api/auth", "^TestA7CopiedCookie$", false},
	{"an older secret of a session's cookie is noticed", "api/auth/secret.go", `return true // older, or of no time`, `return false`, "./api/auth", "^TestA7TwoOfTheSameBrowser$/sqlite", false},
	{"secrets that are taken away are noticed", "api/auth/secret.go", `s.Unused+1 >= mostUnused`, `s.Unused < 0`, "./api/auth", "^TestA7ThiefWhoHides$", false},
	{"two never get the same turn to renew a secret", "api/store/sessions.go", `WHERE id = $1 AND secret_hash = $2 AND ended IS NULL`, `WHERE id = $1 AND secret_hash IS NOT NULL AND length($2) > 0 AND ended IS NULL`, "./api/store", "^TestStore$/sqlite/Sessions$", false},
	{"a secret stays out of caches", "api/auth/secret.go", `if !strings.Contains(header.Get("Cache-Control"), "no-store") {`, `if strings.Contains("", "no-store") {`, "./api/auth", "^TestSecretStaysOutOfCaches$", false},
	{"an unused session ends", "api/auth/session.go", `case now.Sub(s.Seen) >= h.cfg.Idle:
		return s, h.over`, `case false:
		return s, h.over`, "./api/auth", "^TestSessionsEnd$", false},
	{"a session ends with its day", "api/auth/session.go", `case !now.Before(s.Expires):
		return s, h.over`, `case false:
		return s, h.over`, "./api/auth", "^TestSessionsEnd$", false},
	{"a blocked account has no session", "api/auth/session.go", ` || s.State == api.AccountBlocked:`, `:`, "./api/auth", "^TestBlockedAccount$", false},
	{"sockets close with their session", "api/signing/watch.go", `if live[hash] {`, `if live != nil || live[hash] {`, "./api/signing", "^TestStreamsOfEndedSessions$", true},

	// Pages.
	{"requests of other sites are refused", "api/middleware.go", `inner := a.guard.Handler(a.identified(a.idempotent(a.mux)))`, `inner := a.identified(a.idempotent(a.mux))`, "./api", "^TestRequests$", false},
	{"answers have a content security policy", "api/middleware.go", `h.Set("Content-Security-Policy", contentPolicy)`, `_ = contentPolicy`, "./api", "^TestRequests$", false},
	{"strings do not become script", "api/middleware.go", `"require-trusted-types-for 'script'; trusted-types inkwitness"`, `"trusted-types inkwitness"`, "./api", "^TestRequests$", false},
	{"answers are not stored", "api/middleware.go", `h.Set("Cache-Control", "no-store")`, `h.Set("Cache-Control", "private")`, "./api", "^TestRequests$", false},
	{"browsers keep to TLS", "api/middleware.go", `if a.cfg.TLS {`, `if false {`, "./api", "^TestRequests$", false},
	{"a forwarded address counts from proxies alone", "api/middleware.go", `i >= 0 && a.trusted(addr); i--`, `i >= 0; i--`, "./api", "^TestClient$", false},
	{"cookies are hidden from scripts", "api/api.go", `HttpOnly: true`, `HttpOnly: false`, "./api/auth", "^TestA3SignIn$", false},
	{"the log names routes and no paths", "api/middleware.go", `"route", info.pattern`, `"route", r.URL.Path`, "./api", "^TestRequests$", false},

	// Who may do what.
	{"what the table does not give is refused", "api/access.go", "		return ErrNotFound\n	}\n	return ErrForbidden\n}", "		return ErrNotFound\n	}\n	return nil\n}", "./api", "^TestAccessCells$", false},
	{"a role has its cells and no others", "api/access.go", `evidence      open     o   -   -   -   -   o   -   -   -   -`,
		`evidence      open     o   o   -   -   -   o   -   -   -   -`, "./api", "^TestWhatNoRoleMayDo$", false},
	{"organisations do not see each other", "api/access.go", `(id.Organisation == "" || id.Organisation != object.Organisation)`, `id.Organisation == ""`, "./api", "^TestAccessCells$", true},
	{"signers do not see each other", "api/access.go", `if object.Signer != "" && object.Signer != id.Signer {`, `if false {`, "./api", "^TestAccessCells$", false},
	{"sensitive acts need a fresh proof", "api/access.go", `if !id.Fresh {`, `if false {`, "./api", "^TestAccessCells$", false},
	{"a key does what its scopes say", "api/access.go", `if id.Scopes != nil && !slices.Contains(id.Scopes, string(object.Kind)+":"+string(action)) {`, `if false {
		_ = slices.Contains[[]string]`, "./api", "^TestAccessCells$", false},
	{"a deactivated customer submits nothing", "api/access.go", `if id.ReadOnly && `, `if false && `, "./api", "^TestA20DeactivatedReadsOnly$", false},
	{"a key ends", "api/program/program.go", `!now.Before(k.Expires)`, `false`, "./api/program", "^TestKeys$", false},
	{"a key can be revoked", "api/program/program.go", `!k.Revoked.IsZero() || !now`, `!now`, "./api/program", "^TestKeys$", false},
	{"staff read while their grant lasts", "api/store/staff.go", `AND ended IS NULL AND created <= $3 AND expires > $3`, `AND created <= $3`, "./api/auth", "^TestA22A23Staff$", false},
	{"staff accept the terms first", "api/auth/staff.go", `return g, api.Explain(api.ErrForbidden, "Accept the words of confidentiality first.")`, `return g, nil`, "./api/auth", "^TestA22A23Staff$", false},
	{"evidence is opened by two people", "api/dispute/opening.go", `if account == o.By {
		return ErrOwn`, `if false {
		return ErrOwn`, "./api/investigate", "^TestTwoPeopleOpenEvidence$", false},
	{"an approval ends", "api/dispute/opening.go", `&& !now.Before(o.Ends) {`, `&& false {`, "./api/investigate", "^TestApprovalsEnd$", false},

	// Links and codes of signers.
	{"a link ends", "api/ceremony/signer.go", `case !s.Clock.Now().Before(grant.Expires):
		return "", nil, "", ErrLinkExpired`, `case false:`, "./api/ceremony", "^TestLinksThatDoNotOpen$", false},
	{"a link works in one browser", "api/ceremony/signer.go", `case grant.UsedBy != nil && subtle.ConstantTimeCompare(grant.UsedBy, who[:]) == 0:`,
		`case grant.UsedBy != nil && subtle.ConstantTimeCompare(grant.UsedBy, who[:]) > 1:`, "./api/ceremony", "^TestLinksThatDoNotOpen$", false},
	{"a code has five tries", "api/sms/sms.go", `if n > maxTries {`, `if n > 1000 {`, "./api/sms", "^TestA10$", false},
	{"a code is for the session that asked", "api/sms/sms.go", `"sms\x00" + session + "\x00" + code`, `"sms\x00" + code + session[:0]`, "./api/sms", "^TestA10$", false},
	{"codes are refused when tries cannot be counted", "api/sms/sms.go", `return fmt.Errorf("limit sms tries: %w: %w", api.ErrUnavailable, err)`, `n = 0`, "./api/sms", "^TestFailsClosed$", true},
	{"a number gets few messages", "api/sms/sms.go", `{"sms number", 10, 24 * time.Hour,`, `{"sms number", 1000, 24 * time.Hour,`, "./api/sms", "^TestMessagesAreLimited$", false},

	// Providers.
	{"an ID token is for this client", "api/auth/oidc/oidc.go", `ClientID: p.cfg.ClientID, SupportedSigningAlgs`, `SkipClientIDCheck: true, SupportedSigningAlgs`, "./api/auth/oidc", "^TestA9Attacks$", false},
	{"an ID token is for this sign-in", "api/auth/oidc/oidc.go", `case nonce == "" || id.Nonce != nonce:`, `case false:`, "./api/auth/oidc", "^TestA9Attacks$", false},
	{"an ID token is young", "api/auth/oidc/oidc.go", `case now.Sub(id.IssuedAt) > freshFor || id.IssuedAt.Sub(now) > leeway:`, `case now.IsZero():`, "./api/auth/oidc", "^TestA9Attacks$", false},
	{"an answer is of the provider that was asked", "api/auth/oidc/oidc.go", `if iss != "" && iss != p.cfg.Issuer || iss == "" && p.issuerIn {`, `if false {`, "./api/auth/oidc", "^TestA9Attacks$", false},
	{"an ID token is issued by the provider", "api/auth/oidc/oidc.go", `Now: p.cfg.Clock.Now})`, `Now: p.cfg.Clock.Now, SkipIssuerCheck: true})`, "./api/auth/oidc", "^TestA9Attacks$", false},
	{"an ID token is signed", "api/auth/oidc/oidc.go", `SupportedSigningAlgs: algorithms,`, `InsecureSkipSignatureCheck: len(algorithms) > 0,`, "./api/auth/oidc", "^TestA9Attacks$", false},
	{"a code is of use to who began alone", "api/auth/oidc/oidc.go", `, oauth2.VerifierOption(a.Verifier))`, `)`, "./api/auth/oidc", "^TestSignIn$", false},
	{"an OpenID answer comes back to the browser that began", "api/auth/provider.go", `if hashSecret(h.ssoCookie(ctx)) != b.Browser || q.Get("error") != "" {`, `if q.Get("error") != "" {`, "./api/auth", "^TestA9OpenIDConnect$", false},
	{"a SAML answer comes back to the browser that began", "api/auth/provider.go", `if err == nil && hashSecret(h.ssoCookie(ctx)) != b.Browser {`, `if false {`, "./api/auth", "^TestA9SAML$", false},
	{"an assertion is signed and in time, for this address and request", "api/auth/saml/saml.go", `a, err := p.sp.ParseXMLResponse(raw, []string{request}, p.sp.AcsURL)`,
		`var answer saml.Response
	err = xml.Unmarshal(raw, &answer)
	a := answer.Assertion`, "./api/auth/saml", "^TestA9Attacks$", false},
	{"an assertion answers the request", "api/auth/saml/saml.go", `	a, err := p.sp.ParseXMLResponse(raw, []string{request}, p.sp.AcsURL)`,
		`	var answer saml.Response
	_ = xml.Unmarshal(raw, &answer)
	a, err := p.sp.ParseXMLResponse(raw, []string{answer.InResponseTo}, p.sp.AcsURL)`, "./api/auth/saml", "^TestA9Attacks$", false},
	{"comments do not split a name", "api/auth/saml/saml.go", `[]string{"<!", "<?xml-stylesheet"}`, `[]string{"<?xml-stylesheet"}`, "./api/auth/saml", "^TestA9Attacks$", false},
	{"a short name is of who shows a domain", "api/auth/providernames.go", `return err == nil && label == name`, `return err == nil && label != ""`, "./api/auth", "^TestShortNamesAreOfDomains$", false},
	{"an invitation that was used costs no hash", "api/auth/password.go", `for _, still := range wanted {`, `for _, still := range wanted[:0] {`, "./api/auth", "^TestUsedInvitationsAreNotHashed$", false},
	{"a provider is asked again for what is fresh", "api/auth/vouched.go", `case b.Force && b.Person.Authenticated.Before(b.Began.Add(-providerSkew)):`, `case b.Force && b.Began.IsZero():`, "./api/auth", "^TestFreshMeansThatTheProviderAsked$|^TestSAMLVouches$", false},
	{"a provider says that it asked for a second factor", "api/auth/vouched.go", `strong := b.Person.SecondFactor || p.Settings.SecondFactor`, `strong := true`, "./api/auth", "^TestSecondFactorMeansThatTheProviderAsked$", false},
	{"a provider's session stays in its organisation", "api/auth/session.go", `case s.Provider != "" && s.ProviderOf != s.Organisation && s.Role != api.Staff:`, `case s.Provider == "-":`, "./api/auth", "^TestProviderSessionsStayInTheirOrganisation$", false},
	{"a subject of one provider is nobody at another", "api/auth/providerconfig.go", `if !h.sameProvider(before, p) {`, `if h.sameProvider(before, before) && p.ID == "" {`, "./api/auth", "^TestLinksEndWithTheProvider$", false},
	{"an account is one person's at a provider", "api/store/providers.go", `WHERE NOT EXISTS (SELECT 1 FROM provider_people WHERE provider = $1 AND account = $3)`, `WHERE $1 <> ''`, "./api/auth", "^TestLinksEndWithTheProvider$", false},
	{"the password is no second factor", "api/auth/reset.go", `case f.any() && !id.Fresh:`, `case f.any() && id.Account == "":`, "./api/auth", "^TestChangingThePasswordIsNoStepUp$", false},
	{"strangers lock nobody out", "api/auth/device.go", `if id := h.device(ctx, email); id != "" {`, `if id := h.device(ctx, email); id == "-" {`, "./api/auth", "^TestStrangersLockNobodyOut$", false},
	{"a device cookie is the service's", "api/auth/device.go", `if end < 0 || !hmac.Equal([]byte(value[end+1:]), []byte(h.deviceTag(value[:end], email))) {`, `if end < 0 {`, "./api/auth", "^TestDeviceCookies$", false},
	{"who may not invite any more has no invitations", "api/auth/invitation.go", `if !slices.ContainsFunc(of, func(m api.Member) bool { return m.Organisation == i.Organisation && m.Role.MayGive(i.Role) }) {`, `if of == nil && i.ID == "" {`, "./api/auth", "^TestInvitationsEndWithTheRight$", false},
	{"staff shows a second factor", "api/auth/staff.go", `	if !s.SecondFactor {
		return "", nil
	}
`, ``, "./api/auth", "^TestStaffSessionsHaveASecondFactor$", false},
	{"a directory is nothing to owners", "api/scim/users.go", `if role == api.Owner && (acc.Email != before.Email || acc.State != before.State) {`, `if false && before.ID == "" {`, "./api/scim", "^TestOwnersAreNotTheDirectorys$", false},
	{"a directory opens what it closed", "api/scim/users.go", `case acc.ByOperator != "":`, `case acc.ByOperator == "-":`, "./api/scim", "^TestTheOperatorsWordStays$", false},
	{"a provider makes no way into other accounts", "api/auth/vouched.go", `member = member || m.Organisation == p.Organisation`, `member = member || m.Organisation != ""`, "./api/auth", "^TestA9ProviderIsNoWayIntoOtherAccounts$", false},

	// What goes out.
	{"nothing inside the network is reached", "api/egress/egress.go", `if !c.allowed(peer.Addr()) && !(everywhere && public(peer.Addr())) {`, `if false {`, "./api/egress", "^TestI11NothingInsideIsReached$", true},
	{"redirects are not followed", "api/egress/egress.go", `CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },`, ``, "./api/egress", "^TestRedirectsAreNotFollowed$", false},
	{"webhooks are told by https alone", "api/egress/egress.go", `if u.Scheme != "https" && (u.Scheme != "http" || !cfg.PlainHTTP) {`, `if false {`, "./api/egress", "^TestCheckURL$", false},
	{"a look at a video is recorded", "api/investigate/files.go", `api.ServeRelease(w, r, h.Vault, look{h.Disputes, c, r.PathValue("item")}, api.Release{Object: o}, "selfie.webm", api.Inline)`, `api.ServeObject(w, r, h.Vault, o, "selfie.webm", api.Inline)`, "./api/investigate", "^TestWatchingIsRecorded$", false},
	{"a copy from another writing is not read", "evidence/vault/copies.go", `} else if o.Salt != unsalted && h.salt() != o.Salt {`, `} else if false {`, "./evidence/vault", "^TestStaleCopy$", false},
	{"a blob that was cut is not an end", "evidence/vault/reader.go", `case err == nil, errors.Is(err, io.EOF):`, `case err == nil:`, "./evidence/vault", "^TestCutWhileRead$", false},
	{"a download that breaks off is seen to", "api/serve.go", `	if failed := source.failed.Load(); failed != nil {`, `	if failed := source.failed.Load(); failed != nil && r == nil {`, "./api", "^TestBrokenOff$", false},
	{"withdrawn documents are not signed", "api/ceremony/sealing.go", `if err == nil && (d.State != Sent || s.State != Signing) {`, `if err == nil && s == nil {`, "./api/server", "^TestWithdrawnWhileASignatureIsMade$", false},
	{"strangers make no time series", "api/operations.go", `if !slices.Contains(methods, method) {`, `if method == "" && slices.Contains(methods, method) {`, "./api", "^TestStrangersMakeNoLabels$", false},
	{"webhooks are signed", "api/program/deliver.go", `mac := hmac.New(sha256.New, secret)`, `mac := hmac.New(sha256.New, nil)`, "./api/program", "^TestSignature$", false},

	// The record.
	{"a changed line of the record is found", "api/store/audit.go", ` || r.Hash != auditHash(previous, r.Event, r.sealed) {`, ` {`, "./api/store", "^TestAuditCannotBeChanged$", false},
	{"a missing end of the record is found", "api/store/audit.go", `if head.Seq != int64(len(rows)) || head.Hash != previous {`, `if false {`, "./api/store", "^TestAuditCannotBeChanged$", false},

	// The key holder.
	{"the signer's own key signed the statement", "evidence/trust/holder/proof.go", `case !verify(c.key, statement, signature):`, `case false:`, "./evidence/trust/holder", "^TestRefusesWithoutAProofThatFits$", true},
	{"a statement is good once", "evidence/trust/holder/proof.go", `	delete(h.challenges, strings.TrimSpace(nonce))`, ``, "./evidence/trust/holder", "^TestRefusesWithoutAProofThatFits$", false},
	{"a proof is for one document", "evidence/trust/holder/proof.go", `case c.document != document:`, `case false:`, "./evidence/trust/holder", "^TestRefusesWithoutAProofThatFits$", false},
	{"a proof is for so many signatures", "evidence/trust/holder/sign.go", `if len(slices.Compact(used)) > s.signatures {`, `if len(slices.Compact(used)) > s.signatures+1000 {`, "./evidence/trust/holder", "^TestRefusesWithoutAProofThatFits$", false},
	{"a key that was released stays destroyed", "evidence/trust/holder/sign.go", `		if !c.gone {
			continue
		}
		if err := h.cfg`, `		if c.gone {
			continue
		}
		if err := h.cfg`, "./evidence/trust/holder", "^TestReleasedKeysStayDestroyed$", false},
	{"a destroyed key is not wrapped anew", "evidence/trust/holder/keys.go", `if err != nil || k.Erased != nil || !bytes.Equal(k.Wrapped, from) {`, `if err != nil {`, "./evidence/trust/holder", "^TestRewrap$", false},
	{"other users are hung up on", "evidence/trust/holder/serve.go", `err == nil && slices.Contains(g.users, uid) {`, `err == nil && uid >= 0 {`, "./evidence/trust/holder", "^TestOtherUsersAreHungUpOn$", false},
	{"the key holder signs so many in a minute", "evidence/trust/holder/sign.go", `len(h.recent)+len(digests) > h.cfg.Rate {`, `false {`, "./evidence/trust/holder", "^TestRateIsLimited$", false},
}
