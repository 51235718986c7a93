-- +goose Up

-- Secrets wrapped by the root key, which is kept elsewhere: one per subject,
-- deposit or purpose. Erasure empties wrapped and keeps the row, so that nothing
-- can bring the subject back under the same key.
CREATE TABLE keys (
    id        TEXT   PRIMARY KEY,
    purpose   TEXT   NOT NULL,
    subject   TEXT   NOT NULL,
    deposit   TEXT   NOT NULL,
    wrapped   BLOB,
    public    BLOB,
    created   BIGINT NOT NULL,
    erased    BIGINT,
    authority TEXT,
    CHECK ((wrapped IS NULL) = (erased IS NOT NULL))
);
CREATE INDEX keys_subject ON keys (subject);

-- +goose Down
DROP TABLE keys;
