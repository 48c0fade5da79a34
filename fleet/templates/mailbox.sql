-- What Dovecot knows of an account. The portal's worker writes it; the fleet only creates it.
CREATE TABLE IF NOT EXISTS mailbox (
  login       TEXT PRIMARY KEY,
  address     TEXT NOT NULL UNIQUE,
  password    TEXT NOT NULL,              -- '{SCHEME}hash'; empty: nobody can sign in
  quota_bytes BIGINT NOT NULL DEFAULT 0,  -- 0: no limit
  active      INTEGER NOT NULL DEFAULT 1
)
