-- +goose Up

-- When the signer whose turn it is shall be reminded; NULL for never.
ALTER TABLE documents ADD COLUMN remind_at BIGINT;
CREATE INDEX documents_remind ON documents (remind_at) WHERE remind_at IS NOT NULL;

-- +goose Down
DROP INDEX documents_remind;
ALTER TABLE documents DROP COLUMN remind_at;
