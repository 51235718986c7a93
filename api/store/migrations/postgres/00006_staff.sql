-- +goose Up

-- When and why somebody of the operator may read what an organisation has. Without
-- a row there is no access; the organisation's owner sees and ends them.
CREATE TABLE staff_grants (
    id           TEXT   PRIMARY KEY,
    organisation TEXT   NOT NULL REFERENCES organisations (id),
    account      TEXT   NOT NULL,
    granted_by   TEXT   NOT NULL,
    created      BIGINT NOT NULL,
    expires      BIGINT NOT NULL,
    ended        BIGINT,
    sealed       BYTEA   NOT NULL
);
CREATE INDEX staff_grants_organisation ON staff_grants (organisation, created);

CREATE TABLE staff_terms (
    account  TEXT   NOT NULL,
    hash     BYTEA   NOT NULL,
    accepted BIGINT NOT NULL,
    PRIMARY KEY (account, hash)
);

-- +goose Down
DROP TABLE staff_terms;
DROP TABLE staff_grants;
