-- What plans come to, for lists of them: a plan of an earlier version has none, and is read whole.
CREATE TABLE IF NOT EXISTS plan_summaries (
    turn    INTEGER PRIMARY KEY,
    summary TEXT NOT NULL
) STRICT;
