-- +goose Up

-- Whether a password is long enough to be the only factor: a second factor may be
-- taken away only then.
ALTER TABLE passwords ADD COLUMN alone BOOLEAN NOT NULL DEFAULT FALSE;

-- +goose Down
ALTER TABLE passwords DROP COLUMN alone;
