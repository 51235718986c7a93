-- +goose Up

-- The log's outbox and the places of its entries: a deposit's transaction adds a
-- row, the sequencer gives it a place.
CREATE TABLE log_entries (
    id         BIGINT  PRIMARY KEY GENERATED ALWAYS AS IDENTITY,
    commitment BYTEA   NOT NULL UNIQUE,
    place      BIGINT  UNIQUE
);
CREATE INDEX log_entries_waiting ON log_entries (id) WHERE place IS NULL;

CREATE TABLE log_tiles (
    level INTEGER NOT NULL,
    n     BIGINT  NOT NULL,
    data  BYTEA   NOT NULL,
    PRIMARY KEY (level, n)
);

-- The one newest tree.
CREATE TABLE log_head (
    one            INTEGER PRIMARY KEY CHECK (one = 1),
    size           BIGINT  NOT NULL,
    note           BYTEA   NOT NULL,
    published      BYTEA,
    published_size BIGINT  NOT NULL
);

-- Serial numbers of timestamps. They never repeat.
CREATE TABLE serials (
    name TEXT   PRIMARY KEY,
    last BIGINT NOT NULL
);

-- +goose Down
DROP TABLE serials;
DROP TABLE log_head;
DROP TABLE log_tiles;
DROP TABLE log_entries;
