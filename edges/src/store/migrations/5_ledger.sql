-- The ledger, hour by hour: how many seconds of it were observed, and the accounts of each node and owner.
CREATE TABLE IF NOT EXISTS ledger_hours (
    from_seconds INTEGER PRIMARY KEY,
    seconds      INTEGER NOT NULL,
    resources    TEXT NOT NULL
) STRICT;
CREATE TABLE IF NOT EXISTS ledger (
    from_seconds INTEGER NOT NULL,
    kind         TEXT NOT NULL,
    name         TEXT NOT NULL,
    accounts     TEXT NOT NULL,
    PRIMARY KEY (from_seconds, kind, name)
) STRICT, WITHOUT ROWID;
