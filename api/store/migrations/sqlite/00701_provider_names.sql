-- +goose Up

-- By what people find the provider of their organisation before they sign in: a
-- short name, or the domain of their address once its owner has shown it in DNS.
-- Of a domain one organisation at most can have shown it.
CREATE TABLE provider_names (
    provider TEXT   NOT NULL REFERENCES providers (id),
    name     TEXT   NOT NULL,
    token    TEXT   NOT NULL,
    added    BIGINT NOT NULL,
    verified BIGINT,
    PRIMARY KEY (provider, name)
);
CREATE UNIQUE INDEX provider_names_verified ON provider_names (name) WHERE verified IS NOT NULL;

-- +goose Down
DROP TABLE provider_names;
