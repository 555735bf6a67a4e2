CREATE TABLE IF NOT EXISTS lepton_readings (
    instance     {word} NOT NULL,
    sequence     BIGINT NOT NULL,
    unix_day     BIGINT NOT NULL,
    node         {word} NOT NULL,
    from_seconds BIGINT NOT NULL,
    to_seconds   BIGINT NOT NULL,
    measures     BIGINT NOT NULL,
    samples      {bytes} NOT NULL,
    PRIMARY KEY (instance, sequence, unix_day)
){options}{by_day};
CREATE TABLE IF NOT EXISTS lepton_readings_five_minutes (
    instance     {word} NOT NULL,
    sequence     BIGINT NOT NULL,
    unix_day     BIGINT NOT NULL,
    node         {word} NOT NULL,
    from_seconds BIGINT NOT NULL,
    to_seconds   BIGINT NOT NULL,
    measures     BIGINT NOT NULL,
    samples      {bytes} NOT NULL,
    PRIMARY KEY (instance, sequence, unix_day)
){options}{by_day};
CREATE TABLE IF NOT EXISTS lepton_readings_hours (
    instance     {word} NOT NULL,
    sequence     BIGINT NOT NULL,
    unix_day     BIGINT NOT NULL,
    node         {word} NOT NULL,
    from_seconds BIGINT NOT NULL,
    to_seconds   BIGINT NOT NULL,
    measures     BIGINT NOT NULL,
    samples      {bytes} NOT NULL,
    PRIMARY KEY (instance, sequence, unix_day)
){options}{by_day};
CREATE TABLE IF NOT EXISTS lepton_measures (
    instance     {word} NOT NULL,
    sequence     BIGINT NOT NULL,
    names        {text} NOT NULL,
    PRIMARY KEY (instance, sequence)
){options};
