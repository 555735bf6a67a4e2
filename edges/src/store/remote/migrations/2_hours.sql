CREATE TABLE IF NOT EXISTS lepton_hours (
    instance     {word} NOT NULL,
    sequence     BIGINT NOT NULL,
    seconds      BIGINT NOT NULL,
    resources    {text} NOT NULL,
    accounts     {text} NOT NULL,
    PRIMARY KEY (instance, sequence)
){options};
CREATE INDEX {unless_there} lepton_decisions_of_task ON lepton_decisions (instance, task);
CREATE INDEX {unless_there} lepton_decisions_of_turn ON lepton_decisions (instance, turn);
