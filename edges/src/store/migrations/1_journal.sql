-- What the loop does to the world, before and after each call; what the store knows of itself.
CREATE TABLE IF NOT EXISTS facts (
    name  TEXT PRIMARY KEY,
    value TEXT NOT NULL
) STRICT;
CREATE TABLE IF NOT EXISTS journal (
    sequence     INTEGER PRIMARY KEY AUTOINCREMENT,
    kind         TEXT NOT NULL,
    part         TEXT,
    time_seconds INTEGER,
    entry        TEXT NOT NULL
) STRICT;
CREATE INDEX IF NOT EXISTS journal_remembered ON journal (sequence) WHERE kind = 'remembered';
