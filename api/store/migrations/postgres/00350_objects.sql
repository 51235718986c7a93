-- +goose Up

-- Every stored blob has a row here, written in the transaction of whatever
-- refers to it and after the blob is durable: a blob without a row is an
-- orphan and is swept, a row without its blob is damage.
CREATE TABLE objects (
    key          TEXT    PRIMARY KEY, -- of the blob
    holder       TEXT    NOT NULL, -- what refers to it: document:ID or subject:ID
    class        TEXT    NOT NULL,
    reason       TEXT    NOT NULL,
    ends         BIGINT, -- first moment at which it must be gone; NULL for class K7
    subject      TEXT    NOT NULL,
    deposit      TEXT    NOT NULL,
    region       TEXT    NOT NULL,
    content_type TEXT    NOT NULL,
    data_key     TEXT    NOT NULL,
    sha256       BYTEA    NOT NULL, -- of the plain bytes
    crc32        BIGINT  NOT NULL,
    size         BIGINT  NOT NULL,
    stored       BIGINT  NOT NULL,
    state        TEXT    NOT NULL, -- kept, leaving, gone
    gone         BIGINT, -- when it was deleted
    checked      BIGINT  NOT NULL DEFAULT 0, -- when every byte was last read, or found damaged
    damage       TEXT    NOT NULL DEFAULT '', -- what the last check found wrong
    receipt      BYTEA -- signed, of its deletion
);
CREATE INDEX objects_holder ON objects (holder);
CREATE INDEX objects_deposit ON objects (deposit);
CREATE INDEX objects_data_key ON objects (data_key);
CREATE INDEX objects_ends ON objects (ends) WHERE state <> 'gone';
CREATE INDEX objects_checked ON objects (checked) WHERE state = 'kept';

-- What the care of objects remembers from one run to the next.
CREATE TABLE care (
    name TEXT   PRIMARY KEY,
    at   BIGINT NOT NULL
);

-- +goose Down
DROP TABLE care;
DROP TABLE objects;
