-- +goose Up

-- Where an organisation's members sign in, and who is who there. An account made
-- by a provider is found by that provider alone: it holds no address that
-- somebody else could be invited with.
CREATE TABLE providers (
    id           TEXT    PRIMARY KEY,
    organisation TEXT    NOT NULL UNIQUE REFERENCES organisations (id),
    kind         TEXT    NOT NULL,
    enforced     BOOLEAN NOT NULL,
    role         TEXT    NOT NULL,
    created      BIGINT  NOT NULL,
    sealed       BLOB    NOT NULL
);

CREATE TABLE provider_people (
    provider      TEXT NOT NULL REFERENCES providers (id),
    subject_index BLOB NOT NULL,
    account       TEXT NOT NULL REFERENCES accounts (id),
    PRIMARY KEY (provider, subject_index)
);
CREATE INDEX provider_people_account ON provider_people (account);

ALTER TABLE accounts ADD COLUMN provider TEXT NOT NULL DEFAULT '';
ALTER TABLE sessions ADD COLUMN provider TEXT NOT NULL DEFAULT '';

-- +goose Down
ALTER TABLE sessions DROP COLUMN provider;
ALTER TABLE accounts DROP COLUMN provider;
DROP TABLE provider_people;
DROP TABLE providers;
