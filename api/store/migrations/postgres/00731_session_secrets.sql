-- +goose Up
-- The secret in a session's cookie changes while it is used. Sessions from before
-- have none in theirs: the default is the SHA-256 of nothing.
ALTER TABLE sessions ADD COLUMN secret_hash BYTEA NOT NULL DEFAULT '\xe3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855';
ALTER TABLE sessions ADD COLUMN previous_hash BYTEA;
ALTER TABLE sessions ADD COLUMN renewed BIGINT NOT NULL DEFAULT 0; -- µs since 1970 UTC
ALTER TABLE sessions ADD COLUMN unused BIGINT NOT NULL DEFAULT 0;

-- +goose Down
ALTER TABLE sessions DROP COLUMN unused;
ALTER TABLE sessions DROP COLUMN renewed;
ALTER TABLE sessions DROP COLUMN previous_hash;
ALTER TABLE sessions DROP COLUMN secret_hash;
