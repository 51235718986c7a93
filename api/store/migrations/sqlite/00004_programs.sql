-- +goose Up

CREATE TABLE api_keys (
    id           TEXT   PRIMARY KEY,
    hash         BLOB   NOT NULL UNIQUE,
    organisation TEXT   NOT NULL REFERENCES organisations (id),
    account      TEXT   NOT NULL REFERENCES accounts (id),
    scopes       TEXT   NOT NULL,
    created      BIGINT NOT NULL,
    expires      BIGINT NOT NULL,
    used         BIGINT,
    revoked      BIGINT,
    sealed       BLOB   NOT NULL
);
CREATE INDEX api_keys_organisation ON api_keys (organisation, created);

CREATE TABLE webhooks (
    id           TEXT    PRIMARY KEY,
    organisation TEXT    NOT NULL REFERENCES organisations (id),
    kinds        TEXT    NOT NULL,
    active       BOOLEAN NOT NULL,
    created      BIGINT  NOT NULL,
    sealed       BLOB    NOT NULL
);
CREATE INDEX webhooks_organisation ON webhooks (organisation);

CREATE TABLE deliveries (
    id      TEXT   PRIMARY KEY,
    webhook TEXT   NOT NULL REFERENCES webhooks (id),
    event   TEXT   NOT NULL,
    kind    TEXT   NOT NULL,
    body    TEXT   NOT NULL,
    state   TEXT   NOT NULL,
    tries   BIGINT NOT NULL,
    created BIGINT NOT NULL,
    next    BIGINT NOT NULL,
    ended   BIGINT,
    result  TEXT   NOT NULL,
    UNIQUE (webhook, event)
);
CREATE INDEX deliveries_next ON deliveries (state, next);

-- +goose Down
DROP TABLE deliveries;
DROP TABLE webhooks;
DROP TABLE api_keys;
