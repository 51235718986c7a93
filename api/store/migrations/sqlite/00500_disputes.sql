-- +goose Up

-- A case of an investigator: one encrypted body under a key of its own.
-- Destroying the key erases all of it at once.
CREATE TABLE cases (
    id           TEXT   PRIMARY KEY,
    organisation TEXT   NOT NULL,
    owner        TEXT   NOT NULL, -- account
    version      BIGINT NOT NULL,
    created      BIGINT NOT NULL,
    ends         BIGINT NOT NULL,
    body         BLOB   NOT NULL
);
CREATE INDEX cases_owner ON cases (organisation, owner, created);
CREATE INDEX cases_ends ON cases (ends);

-- Who asked to open whose evidence, who agreed, and until when. The line stays
-- when the case is gone.
CREATE TABLE openings (
    id           TEXT   PRIMARY KEY,
    organisation TEXT   NOT NULL,
    dispute      TEXT   NOT NULL, -- case
    document     TEXT   NOT NULL,
    signer       TEXT   NOT NULL,
    asked_by     TEXT   NOT NULL, -- account
    decided_by   TEXT   NOT NULL, -- account; empty until then
    state        TEXT   NOT NULL,
    version      BIGINT NOT NULL,
    asked        BIGINT NOT NULL,
    decided      BIGINT,
    opened       BIGINT,
    ends         BIGINT NOT NULL,
    hours        BIGINT NOT NULL,
    sealed       BLOB   NOT NULL,
    CHECK (asked_by <> decided_by)
);
CREATE INDEX openings_organisation ON openings (organisation, asked);

-- +goose Down
DROP TABLE openings;
DROP TABLE cases;
