-- What a database elsewhere has not been told yet, by kind and row, the newest change last. It is filled while `remote` has a row, in the
-- transaction that writes the row itself. Rows of history that are dropped before they were told are counted.
INSERT OR IGNORE INTO facts (name, value) VALUES ('instance', lower(hex(randomblob(8))));
CREATE TABLE IF NOT EXISTS remote (
    one     INTEGER PRIMARY KEY CHECK (one = 1),
    target  TEXT NOT NULL,
    dropped INTEGER NOT NULL DEFAULT 0
) STRICT;
CREATE TABLE IF NOT EXISTS outbox (
    sequence INTEGER PRIMARY KEY AUTOINCREMENT,
    kind     TEXT NOT NULL,
    row      INTEGER NOT NULL,
    UNIQUE (kind, row)
) STRICT;
CREATE TRIGGER IF NOT EXISTS step_told AFTER INSERT ON journal
WHEN NEW.kind <> 'remembered' AND EXISTS (SELECT 1 FROM remote) BEGIN
    INSERT OR REPLACE INTO outbox (kind, row) VALUES ('step', NEW.sequence);
END;
CREATE TRIGGER IF NOT EXISTS decision_told AFTER INSERT ON decisions WHEN EXISTS (SELECT 1 FROM remote) BEGIN
    INSERT OR REPLACE INTO outbox (kind, row) VALUES ('decision', NEW.sequence);
END;
CREATE TRIGGER IF NOT EXISTS result_told AFTER UPDATE OF result ON decisions
WHEN NEW.result IS NOT OLD.result AND EXISTS (SELECT 1 FROM remote) BEGIN
    INSERT OR REPLACE INTO outbox (kind, row) VALUES ('decision', NEW.sequence);
END;
CREATE TRIGGER IF NOT EXISTS plan_told AFTER INSERT ON plans WHEN EXISTS (SELECT 1 FROM remote) BEGIN
    INSERT OR REPLACE INTO outbox (kind, row) VALUES ('plan', NEW.turn);
END;
CREATE TRIGGER IF NOT EXISTS verdict_told AFTER UPDATE ON plans WHEN EXISTS (SELECT 1 FROM remote) BEGIN
    INSERT OR REPLACE INTO outbox (kind, row) VALUES ('plan', NEW.turn);
END;
CREATE TRIGGER IF NOT EXISTS audit_told AFTER INSERT ON audit WHEN EXISTS (SELECT 1 FROM remote) BEGIN
    INSERT OR REPLACE INTO outbox (kind, row) VALUES ('audit', NEW.sequence);
END;
CREATE TRIGGER IF NOT EXISTS turn_told AFTER INSERT ON history WHEN EXISTS (SELECT 1 FROM remote) BEGIN
    INSERT OR REPLACE INTO outbox (kind, row) VALUES ('turn', NEW.sequence);
END;
CREATE TRIGGER IF NOT EXISTS hour_told AFTER INSERT ON ledger_hours WHEN EXISTS (SELECT 1 FROM remote) BEGIN
    INSERT OR REPLACE INTO outbox (kind, row) VALUES ('hour', NEW.from_seconds);
END;
CREATE TRIGGER IF NOT EXISTS turn_dropped AFTER DELETE ON history WHEN EXISTS (SELECT 1 FROM remote) BEGIN
    UPDATE remote SET dropped = dropped + (SELECT count(*) FROM outbox WHERE kind = 'turn' AND row = OLD.sequence);
    DELETE FROM outbox WHERE kind = 'turn' AND row = OLD.sequence;
END;
CREATE TRIGGER IF NOT EXISTS hour_dropped AFTER DELETE ON ledger_hours WHEN EXISTS (SELECT 1 FROM remote) BEGIN
    UPDATE remote SET dropped = dropped + (SELECT count(*) FROM outbox WHERE kind = 'hour' AND row = OLD.from_seconds);
    DELETE FROM outbox WHERE kind = 'hour' AND row = OLD.from_seconds;
END;
