-- +goose Up

-- On whose word an object ends before its time; empty: its time is over.
ALTER TABLE objects ADD COLUMN authority TEXT NOT NULL DEFAULT '';

-- +goose Down
ALTER TABLE objects DROP COLUMN authority;
