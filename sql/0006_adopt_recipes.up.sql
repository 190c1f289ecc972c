-- Adopts recipetable, as 0003 does cheftable. Its child rows need no column: they change with their recipe only.
ALTER TABLE recipetable
  ADD COLUMN backsync_key VARCHAR(255) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NULL DEFAULT NULL INVISIBLE,
  ADD COLUMN backsync_version BIGINT UNSIGNED NOT NULL DEFAULT 1 INVISIBLE,
  ADD COLUMN backsync_updated_at TIMESTAMP(3) NULL DEFAULT NULL ON UPDATE CURRENT_TIMESTAMP(3) INVISIBLE,
  ALGORITHM=INSTANT;

ALTER TABLE recipetable
  ADD UNIQUE KEY backsync_key (backsync_key),
  ALGORITHM=INPLACE, LOCK=NONE;
