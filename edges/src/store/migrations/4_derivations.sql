-- Plans that people derived from the loop's own: the effects of that one, which stands for them while the loop would still do it.
CREATE TABLE IF NOT EXISTS derivations (
    turn    INTEGER PRIMARY KEY,
    effects TEXT NOT NULL
) STRICT;
