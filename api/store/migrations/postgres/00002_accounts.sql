-- +goose Up

-- Columns named sealed hold JSON encrypted under a key of the person or, for rows
-- that live for days, of the month. Columns named *_index hold keyed hashes by
-- which an address is found again.

CREATE TABLE organisations (
    id            TEXT    PRIMARY KEY,
    second_factor BOOLEAN NOT NULL,
    deactivated   BOOLEAN NOT NULL,
    created       BIGINT  NOT NULL,
    sealed        BYTEA    NOT NULL
);

CREATE TABLE accounts (
    id          TEXT   PRIMARY KEY,
    email_index BYTEA   NOT NULL UNIQUE,
    state       TEXT   NOT NULL,
    created     BIGINT NOT NULL,
    sealed      BYTEA   NOT NULL
);

CREATE TABLE members (
    organisation TEXT   NOT NULL REFERENCES organisations (id),
    account      TEXT   NOT NULL REFERENCES accounts (id),
    role         TEXT   NOT NULL,
    added        BIGINT NOT NULL,
    PRIMARY KEY (organisation, account)
);
CREATE INDEX members_account ON members (account);

CREATE TABLE invitations (
    id           TEXT   PRIMARY KEY,
    token_hash   BYTEA   NOT NULL UNIQUE,
    organisation TEXT   NOT NULL REFERENCES organisations (id),
    role         TEXT   NOT NULL,
    invited_by   TEXT   NOT NULL,
    created      BIGINT NOT NULL,
    expires      BIGINT NOT NULL,
    used         BIGINT,
    revoked      BIGINT,
    sealed       BYTEA   NOT NULL
);
CREATE INDEX invitations_organisation ON invitations (organisation);

CREATE TABLE passwords (
    account TEXT   PRIMARY KEY REFERENCES accounts (id),
    hash    TEXT   NOT NULL,
    changed BIGINT NOT NULL
);

CREATE TABLE totp (
    account   TEXT    PRIMARY KEY REFERENCES accounts (id),
    sealed    BYTEA    NOT NULL,
    confirmed BOOLEAN NOT NULL,
    last_step BIGINT  NOT NULL,
    created   BIGINT  NOT NULL
);

CREATE TABLE recovery_codes (
    account TEXT   NOT NULL REFERENCES accounts (id),
    hash    BYTEA   NOT NULL,
    used    BIGINT,
    PRIMARY KEY (account, hash)
);

CREATE TABLE passkeys (
    id      BYTEA   PRIMARY KEY,
    account TEXT   NOT NULL REFERENCES accounts (id),
    created BIGINT NOT NULL,
    used    BIGINT,
    sealed  BYTEA   NOT NULL
);
CREATE INDEX passkeys_account ON passkeys (account);

-- At most one session of an account is live: the database says so, not the code.
CREATE TABLE sessions (
    id            TEXT    PRIMARY KEY,
    token_hash    BYTEA    NOT NULL UNIQUE,
    account       TEXT    NOT NULL REFERENCES accounts (id),
    organisation  TEXT    NOT NULL REFERENCES organisations (id),
    second_factor BOOLEAN NOT NULL,
    created       BIGINT  NOT NULL,
    seen          BIGINT  NOT NULL,
    expires       BIGINT  NOT NULL,
    proved        BIGINT  NOT NULL,
    binding       BYTEA    NOT NULL,
    ended         BIGINT,
    end_reason    TEXT    NOT NULL DEFAULT '',
    sealed        BYTEA    NOT NULL,
    notice        BYTEA
);
CREATE UNIQUE INDEX sessions_live ON sessions (account) WHERE ended IS NULL;

-- Secrets handed out for one use: password resets, take-overs, passkey ceremonies.
CREATE TABLE challenges (
    token_hash BYTEA   PRIMARY KEY,
    kind       TEXT   NOT NULL,
    account    TEXT   NOT NULL,
    session    TEXT   NOT NULL,
    created    BIGINT NOT NULL,
    expires    BIGINT NOT NULL,
    tries      BIGINT NOT NULL,
    sealed     BYTEA
);
CREATE INDEX challenges_account ON challenges (account, kind);

CREATE TABLE limits (
    name   TEXT   NOT NULL,
    who    BYTEA   NOT NULL,
    began  BIGINT NOT NULL,
    count  BIGINT NOT NULL,
    PRIMARY KEY (name, who)
);
CREATE INDEX limits_began ON limits (began);

CREATE TABLE replies (
    id           BYTEA    PRIMARY KEY,
    request      BYTEA,
    done         BOOLEAN NOT NULL,
    begun        BIGINT  NOT NULL,
    status       BIGINT  NOT NULL,
    sealed       BYTEA
);
CREATE INDEX replies_begun ON replies (begun);

CREATE TABLE mails (
    id           TEXT   PRIMARY KEY,
    message_id   TEXT   NOT NULL UNIQUE,
    organisation TEXT   NOT NULL,
    account      TEXT   NOT NULL,
    kind         TEXT   NOT NULL,
    state        TEXT   NOT NULL,
    tries        BIGINT NOT NULL,
    created      BIGINT NOT NULL,
    next         BIGINT NOT NULL,
    sent         BIGINT,
    problem      TEXT   NOT NULL,
    sealed       BYTEA   NOT NULL
);
CREATE INDEX mails_next ON mails (state, next);
CREATE INDEX mails_organisation ON mails (organisation, created);

-- One hash chain per organisation and per document. Rows are never changed.
CREATE TABLE audit (
    chain        TEXT   NOT NULL,
    seq          BIGINT NOT NULL,
    at           BIGINT NOT NULL,
    kind         TEXT   NOT NULL,
    organisation TEXT   NOT NULL,
    account      TEXT   NOT NULL,
    object       TEXT   NOT NULL,
    sealed       BYTEA,
    previous     BYTEA   NOT NULL,
    hash         BYTEA   NOT NULL,
    PRIMARY KEY (chain, seq)
);
CREATE INDEX audit_organisation ON audit (organisation, at);
CREATE TABLE audit_heads (
    chain TEXT   PRIMARY KEY,
    seq   BIGINT NOT NULL,
    hash  BYTEA   NOT NULL
);

-- +goose StatementBegin
CREATE FUNCTION audit_append_only() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN RAISE EXCEPTION 'audit is append-only'; END $$;
-- +goose StatementEnd
CREATE TRIGGER audit_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON audit
    FOR EACH STATEMENT EXECUTE FUNCTION audit_append_only();

-- +goose Down
DROP TABLE audit;
DROP FUNCTION audit_append_only;
DROP TABLE audit_heads;
DROP TABLE mails;
DROP TABLE replies;
DROP TABLE limits;
DROP TABLE challenges;
DROP TABLE sessions;
DROP TABLE passkeys;
DROP TABLE recovery_codes;
DROP TABLE totp;
DROP TABLE passwords;
DROP TABLE invitations;
DROP TABLE members;
DROP TABLE accounts;
DROP TABLE organisations;
