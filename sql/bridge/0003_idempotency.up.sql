-- The first answers to requests with an Idempotency-Key, each for a week. A record is claimed before the row is written,
-- with the row's key, and gets its answer afterwards; a request that was refused gives it free (no fingerprint).
CREATE TABLE backsync_idempotency (
  id CHAR(64) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  fingerprint CHAR(64) CHARACTER SET ascii COLLATE ascii_bin NULL,
  entity_key VARCHAR(255) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
  -- milliseconds since 1970, UTC
  created_ms BIGINT NOT NULL,
  answer LONGTEXT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NULL,
  PRIMARY KEY (id),
  KEY created_ms (created_ms)
);
