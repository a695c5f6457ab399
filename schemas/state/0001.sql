-- The state of loam, format 1. One SQLite database in WAL mode; application_id 0x6C6F616D ("loam"), user_version 1.
--
-- This file is what loam runs to make a new state, and the description of the format. It is never edited: a later
-- format is a later file that changes the tables of this one.
--
-- Times are milliseconds since 1970-01-01T00:00:00Z. Addresses are text as loam prints them: module.a["x"].network.b[0].
-- A value is plain JSON, null where it is secret, beside its type; the secrets are in `sealed`: a format byte, the
-- fingerprint of the key (8 bytes), a nonce (24 bytes), and XChaCha20-Poly1305 ciphertext of JSON with the concrete
-- type and each secret with its path, bound to the state's id, the sort of row and its address or name.

-- The state as a whole. One row.
CREATE TABLE meta (
    only          INTEGER NOT NULL PRIMARY KEY CHECK (only = 1),
    state_id      TEXT    NOT NULL,                -- written onto everything that loam makes
    serial        INTEGER NOT NULL,                -- counts commits that changed objects or outputs
    history_from  INTEGER NOT NULL,                -- the first serial whose objects can be shown
    created_at    INTEGER NOT NULL,
    created_by    TEXT    NOT NULL,                -- the version of loam that made the state
    writer        INTEGER NOT NULL,                -- counts openings for writing; only the last one may commit
    key_id        BLOB                             -- fingerprint of the key, once something is sealed
) STRICT;

-- Types of values, each once, in Terraform's JSON form: ["object",{"size":"number"}].
CREATE TABLE types (
    id    INTEGER NOT NULL PRIMARY KEY,
    json  TEXT    NOT NULL UNIQUE
) STRICT;

-- What exists now.
CREATE TABLE objects (
    id              INTEGER NOT NULL PRIMARY KEY,
    addr            TEXT    NOT NULL,
    deposed         TEXT    NOT NULL,              -- empty for the current object of an address
    kind            TEXT    NOT NULL,
    kind_version    INTEGER NOT NULL,              -- of the kind's schema
    provider        TEXT    NOT NULL,              -- as configured: local, kube.ci
    condition       TEXT    NOT NULL CHECK (condition IN ('ready', 'tainted', 'partial')),
    attributes      TEXT    NOT NULL,              -- JSON
    type            INTEGER NOT NULL REFERENCES types (id),
    sensitive       TEXT    NOT NULL,              -- JSON: paths in attributes
    sealed          BLOB,
    dependencies    TEXT    NOT NULL,              -- JSON: addresses of blocks
    on_destroy      TEXT    NOT NULL CHECK (on_destroy IN ('delete', 'retain')),
    replace_order   TEXT    NOT NULL CHECK (replace_order IN ('delete_first', 'create_first')),
    created_serial  INTEGER NOT NULL,
    created_at      INTEGER NOT NULL,
    updated_serial  INTEGER NOT NULL,
    updated_at      INTEGER NOT NULL,
    UNIQUE (addr, deposed)
) STRICT;

-- Runs of commands that may change the world. One without an end is running, or its process died.
CREATE TABLE runs (
    id           INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
    command      TEXT    NOT NULL,
    started_at   INTEGER NOT NULL,
    finished_at  INTEGER,
    outcome      TEXT CHECK (outcome IN ('succeeded', 'failed', 'interrupted', 'died')),
    pid          INTEGER NOT NULL,
    pid_started  INTEGER,                          -- clock ticks since the machine started
    boot_id      TEXT,
    host         TEXT    NOT NULL,
    user         TEXT    NOT NULL,
    CHECK ((finished_at IS NULL) = (outcome IS NULL))
) STRICT;

-- The journal: planned -> started -> observed -> committed, or failed, abandoned, in_doubt.
-- A row says `started`, durably, before the provider is called.
CREATE TABLE steps (
    run         INTEGER NOT NULL REFERENCES runs (id),
    ordinal     INTEGER NOT NULL,                  -- place in the plan
    addr        TEXT    NOT NULL,
    deposed     TEXT    NOT NULL,
    action      TEXT    NOT NULL CHECK (action IN ('create', 'update', 'delete', 'forget', 'import')),
    kind        TEXT    NOT NULL,
    provider    TEXT    NOT NULL,
    token       TEXT    NOT NULL UNIQUE,           -- what the call is known by
    terms       TEXT    NOT NULL,                  -- JSON: {"dependencies", "on_destroy", "replace_order"}
    status      TEXT    NOT NULL CHECK (status IN
                    ('planned', 'started', 'observed', 'committed', 'failed', 'abandoned', 'in_doubt')),
    attempts    INTEGER NOT NULL,
    planned     TEXT,                              -- JSON: {"type", "value", "unknown", "sensitive", "sealed"}
    error       TEXT,
    started_at  INTEGER,
    changed_at  INTEGER NOT NULL,
    PRIMARY KEY (run, ordinal)
) STRICT;

CREATE INDEX steps_unfinished ON steps (run, ordinal) WHERE status IN ('started', 'observed', 'in_doubt');

-- What was shown during a run.
CREATE TABLE events (
    run   INTEGER NOT NULL REFERENCES runs (id),
    seq   INTEGER NOT NULL,
    at    INTEGER NOT NULL,
    body  TEXT    NOT NULL,                        -- JSON
    PRIMARY KEY (run, seq)
) STRICT, WITHOUT ROWID;

-- Outputs of the root module.
CREATE TABLE outputs (
    name       TEXT    NOT NULL PRIMARY KEY,
    value      TEXT    NOT NULL,                   -- JSON
    type       INTEGER NOT NULL REFERENCES types (id),
    sensitive  TEXT    NOT NULL,                   -- JSON: paths in value
    sealed     BLOB
) STRICT;

-- What stood in a slot before a commit changed it; the columns from `kind` on are null if nothing did.
-- The objects right after commit S: for each slot its row with the lowest serial above S, or else its row in objects.
CREATE TABLE history (
    serial          INTEGER NOT NULL,
    addr            TEXT    NOT NULL,
    deposed         TEXT    NOT NULL,
    at              INTEGER NOT NULL,
    run             INTEGER REFERENCES runs (id),
    change          TEXT    NOT NULL CHECK (change IN ('created', 'updated', 'dropped', 'left', 'arrived')),
    kind            TEXT,
    kind_version    INTEGER,
    provider        TEXT,
    condition       TEXT,
    attributes      TEXT,
    type            INTEGER REFERENCES types (id),
    sensitive       TEXT,
    sealed          BLOB,
    dependencies    TEXT,
    on_destroy      TEXT,
    replace_order   TEXT,
    created_serial  INTEGER,
    created_at      INTEGER,
    updated_serial  INTEGER,
    updated_at      INTEGER,
    PRIMARY KEY (serial, addr, deposed)
) STRICT;

CREATE INDEX history_of_slot ON history (addr, deposed, serial);
