-- +goose Up
-- What was found damaged is read again every hour.
CREATE INDEX objects_damaged ON objects (checked) WHERE state = 'kept' AND damage <> '';

-- +goose Down
DROP INDEX objects_damaged;
