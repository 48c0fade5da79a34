-- What Dovecot knows of an account. The portal's worker writes it; the fleet only creates it.
CREATE TABLE IF NOT EXISTS mailbox (
  login       TEXT PRIMARY KEY,
  address     TEXT NOT NULL UNIQUE,
  password    TEXT NOT NULL,              -- '{SCHEME}hash'; empty: nobody can sign in
  quota_bytes BIGINT NOT NULL DEFAULT 0,  -- 0: no limit
  active      INTEGER NOT NULL DEFAULT 1, -- 0: nobody signs in
  sends       INTEGER NOT NULL DEFAULT 1, -- 0: nor sends, even who signs in
  receives    INTEGER NOT NULL DEFAULT 1  -- 0: new mail is refused
);
-- A further password of a mailbox, for one device. The portal makes it, long and random: `selector` is the
-- beginning of its SHA-256 and picks the row, `password` decides.
CREATE TABLE IF NOT EXISTS app_password (
  number   BIGINT PRIMARY KEY,            -- the portal's
  login    TEXT NOT NULL,
  selector TEXT NOT NULL,
  password TEXT NOT NULL,                 -- '{SCHEME}hash'
  UNIQUE (login, selector)
);
-- Dovecot itself writes here, which app password was last used when (its plugin last_login).
CREATE TABLE IF NOT EXISTS app_password_use (
  login   TEXT NOT NULL,
  number  BIGINT NOT NULL,
  used_at BIGINT NOT NULL,                -- seconds since 1970
  PRIMARY KEY (login, number)
)
