-- +goose Up

-- A document with its signers, fields, consents and captures is one encrypted
-- body under a key of its own: destroying the key erases all of it at once.
-- Only what must be searched stands beside it.
CREATE TABLE documents (
    id      TEXT    PRIMARY KEY,
    organisation TEXT NOT NULL,
    owner   TEXT    NOT NULL, -- account
    state   TEXT    NOT NULL,
    busy    BOOLEAN NOT NULL, -- a signature or a deposit is in the making
    version BIGINT  NOT NULL,
    created BIGINT  NOT NULL,
    body    BLOB    NOT NULL
);
CREATE INDEX documents_organisation ON documents (organisation, created);
CREATE INDEX documents_busy ON documents (busy) WHERE busy;

-- Links and signing sessions, by the SHA-256 of their 256 random bits.
CREATE TABLE grants (
    hash     TEXT    PRIMARY KEY,
    kind     TEXT    NOT NULL,
    document TEXT    NOT NULL REFERENCES documents (id),
    signer   TEXT    NOT NULL,
    expires  BIGINT  NOT NULL,
    used_by  BLOB -- SHA-256 of what the browser that opened the link keeps; NULL until then
);
CREATE INDEX grants_signer ON grants (signer);

-- A signer of one organisation, found by a keyed hash of the address.
CREATE TABLE subjects (
    id      TEXT   PRIMARY KEY,
    organisation TEXT NOT NULL,
    address BLOB NOT NULL,
    version BIGINT NOT NULL,
    body    BLOB   NOT NULL,
    UNIQUE (organisation, address)
);

-- +goose Down
DROP TABLE subjects;
DROP TABLE grants;
DROP TABLE documents;
