-- How each turn went, for lines and for looking back; of the newest turns also how each node stood, one byte a node and measure.
CREATE TABLE IF NOT EXISTS history (
    sequence     INTEGER PRIMARY KEY,
    turn         INTEGER NOT NULL,
    time_seconds INTEGER NOT NULL,
    unix_seconds INTEGER NOT NULL,
    figures      TEXT NOT NULL,
    inventory    TEXT,
    nodes        BLOB
) STRICT;
-- The names of the nodes, in the order of the bytes.
CREATE TABLE IF NOT EXISTS inventories (
    digest TEXT PRIMARY KEY,
    names  TEXT NOT NULL
) STRICT;
