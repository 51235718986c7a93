-- +goose Up

-- One data key per subject (an account, an organisation, a mail ...), wrapped by
-- a root key that is kept elsewhere. Erasure sets wrapped to NULL and keeps the row,
-- so that a restored backup cannot bring the subject back.
CREATE TABLE data_keys (
    subject   TEXT   PRIMARY KEY,
    root      TEXT   NOT NULL,
    wrapped   BYTEA,
    created   BIGINT NOT NULL,
    destroyed BIGINT,
    authority TEXT   NOT NULL DEFAULT '',
    CHECK ((wrapped IS NULL) = (destroyed IS NOT NULL))
);

-- +goose Down
DROP TABLE data_keys;
