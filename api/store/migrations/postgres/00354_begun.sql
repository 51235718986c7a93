-- +goose Up

-- How often the deletion of an object was begun; what fails often comes last.
ALTER TABLE objects ADD COLUMN begun BIGINT NOT NULL DEFAULT 0;

-- +goose Down
ALTER TABLE objects DROP COLUMN begun;
