-- How nodes stood: a row per node and window, with its samples as `coding.rs` packs them.
CREATE TABLE IF NOT EXISTS nodes (
    number INTEGER PRIMARY KEY,
    name   TEXT NOT NULL UNIQUE
) STRICT;
-- The names of what is measured, as a JSON list, under a number made of them.
CREATE TABLE IF NOT EXISTS measures (
    number INTEGER PRIMARY KEY,
    names  TEXT NOT NULL UNIQUE
) STRICT;
CREATE TABLE IF NOT EXISTS rows (
    sequence     INTEGER PRIMARY KEY,
    node         INTEGER NOT NULL,
    from_seconds INTEGER NOT NULL,
    to_seconds   INTEGER NOT NULL,
    unix_day     INTEGER NOT NULL,
    measures     INTEGER NOT NULL,
    samples      BLOB NOT NULL
) STRICT;
CREATE INDEX IF NOT EXISTS rows_of_node ON rows (node, from_seconds);
CREATE INDEX IF NOT EXISTS rows_of_time ON rows (from_seconds);
