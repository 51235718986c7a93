-- +goose Up
-- The random salt of a blob's encryption, by which its copies are told from those of
-- an earlier writing. Empty: a release before stored it.
ALTER TABLE objects ADD COLUMN salt BLOB NOT NULL DEFAULT x'';

-- +goose Down
ALTER TABLE objects DROP COLUMN salt;
