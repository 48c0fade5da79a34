-- What Postfix knows of aliases (see docs/dovecot.md). The portal's worker writes it; the fleet only creates it.
CREATE TABLE IF NOT EXISTS virtual_alias (
  address TEXT PRIMARY KEY,               -- '@example.test': whatever else comes to the domain
  goto    TEXT NOT NULL                   -- addresses with commas between them
)
