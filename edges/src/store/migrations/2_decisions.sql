-- What was decided, why, what came of it, and what people said to it.
CREATE TABLE IF NOT EXISTS decisions (
    sequence     INTEGER PRIMARY KEY AUTOINCREMENT,
    turn         INTEGER NOT NULL,
    number       INTEGER NOT NULL,
    part         TEXT,
    step         INTEGER,
    time_seconds INTEGER NOT NULL,
    action       TEXT NOT NULL,
    task         TEXT,
    from_node    TEXT,
    to_node      TEXT,
    record       TEXT NOT NULL,
    result       TEXT,
    UNIQUE (turn, number)
) STRICT;
CREATE INDEX IF NOT EXISTS decisions_of_task ON decisions (task, sequence);
CREATE INDEX IF NOT EXISTS decisions_of_step ON decisions (part, step);
CREATE TABLE IF NOT EXISTS plans (
    turn         INTEGER PRIMARY KEY,
    time_seconds INTEGER NOT NULL,
    state        TEXT NOT NULL,
    effects      TEXT NOT NULL,
    document     TEXT NOT NULL,
    decided_by   TEXT,
    why          TEXT,
    successor    INTEGER
) STRICT;
CREATE TABLE IF NOT EXISTS audit (
    sequence  INTEGER PRIMARY KEY AUTOINCREMENT,
    unix_seconds INTEGER NOT NULL,
    actor     TEXT NOT NULL,
    action    TEXT NOT NULL,
    target    TEXT NOT NULL,
    detail    TEXT NOT NULL
) STRICT;
CREATE TABLE IF NOT EXISTS answers (
    key          TEXT PRIMARY KEY,
    request      TEXT NOT NULL,
    status       INTEGER NOT NULL,
    body         TEXT NOT NULL,
    unix_seconds INTEGER NOT NULL
) STRICT;
