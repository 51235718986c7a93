-- +goose Up
-- Which of several instances does something that one at a time should do.
CREATE TABLE leases (
	name   TEXT   NOT NULL PRIMARY KEY,
	holder TEXT   NOT NULL, -- the instance
	until  BIGINT NOT NULL  -- µs since 1970 UTC
);

-- +goose Down
DROP TABLE leases;
