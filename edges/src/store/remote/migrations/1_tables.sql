CREATE TABLE IF NOT EXISTS lepton_steps (
    instance     {word} NOT NULL,
    sequence     BIGINT NOT NULL,
    kind         {word} NOT NULL,
    part         {word},
    time_seconds BIGINT,
    entry        {text} NOT NULL,
    PRIMARY KEY (instance, sequence)
){options};
CREATE TABLE IF NOT EXISTS lepton_decisions (
    instance     {word} NOT NULL,
    sequence     BIGINT NOT NULL,
    turn         BIGINT NOT NULL,
    number       BIGINT NOT NULL,
    time_seconds BIGINT NOT NULL,
    action       {word} NOT NULL,
    task         {word},
    from_node    {word},
    to_node      {word},
    result       {text},
    record       {text} NOT NULL,
    PRIMARY KEY (instance, sequence)
){options};
CREATE TABLE IF NOT EXISTS lepton_plans (
    instance     {word} NOT NULL,
    sequence     BIGINT NOT NULL,
    time_seconds BIGINT NOT NULL,
    state        {word} NOT NULL,
    effects      {word} NOT NULL,
    decided_by   {word},
    why          {text},
    successor    BIGINT,
    document     {text} NOT NULL,
    PRIMARY KEY (instance, sequence)
){options};
CREATE TABLE IF NOT EXISTS lepton_audit (
    instance     {word} NOT NULL,
    sequence     BIGINT NOT NULL,
    unix_seconds BIGINT NOT NULL,
    actor        {word} NOT NULL,
    action       {word} NOT NULL,
    target       {word} NOT NULL,
    detail       {text} NOT NULL,
    PRIMARY KEY (instance, sequence)
){options};
CREATE TABLE IF NOT EXISTS lepton_turns (
    instance     {word} NOT NULL,
    sequence     BIGINT NOT NULL,
    turn         BIGINT NOT NULL,
    time_seconds BIGINT NOT NULL,
    unix_seconds BIGINT NOT NULL,
    figures      {text} NOT NULL,
    PRIMARY KEY (instance, sequence)
){options};
