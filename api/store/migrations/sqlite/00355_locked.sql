-- +goose Up

-- Until when the object stores that can must let nobody change or delete the blob.
-- Of what there is already, the deposits were locked until their end.
ALTER TABLE objects ADD COLUMN locked BIGINT;
UPDATE objects SET locked = ends WHERE state = 'kept' AND key LIKE 'deposits/%.asice';
CREATE INDEX objects_locked ON objects (locked) WHERE state = 'kept' AND locked IS NOT NULL;

-- +goose Down
DROP INDEX objects_locked;
ALTER TABLE objects DROP COLUMN locked;
