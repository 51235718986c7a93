-- +goose Up

-- What a subject's earlier captures are found again by when one is replayed,
-- sealed under the subject's key.
CREATE TABLE prints (
    subject TEXT   NOT NULL REFERENCES subjects (id) ON DELETE CASCADE,
    capture TEXT   NOT NULL,
    made    BIGINT NOT NULL,
    body    BYTEA NOT NULL,
    PRIMARY KEY (subject, capture)
);

-- +goose Down
DROP TABLE prints;
