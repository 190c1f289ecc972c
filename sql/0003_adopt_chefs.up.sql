-- Adopts cheftable. The columns are INVISIBLE, so SELECT * and INSERT without a column list don't notice them.
-- backsync_key stays NULL in a legacy-born row, whose key is its id; constant defaults only, because MySQL doesn't
-- apply an expression default to an invisible column in an INSERT without a column list.
-- TIMESTAMP, not DATETIME: a legacy session may have another time zone.
ALTER TABLE cheftable
  ADD COLUMN backsync_key VARCHAR(255) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NULL DEFAULT NULL INVISIBLE,
  ADD COLUMN backsync_version BIGINT UNSIGNED NOT NULL DEFAULT 1 INVISIBLE,
  ADD COLUMN backsync_updated_at TIMESTAMP(3) NULL DEFAULT NULL ON UPDATE CURRENT_TIMESTAMP(3) INVISIBLE,
  ALGORITHM=INSTANT;

ALTER TABLE cheftable
  ADD UNIQUE KEY backsync_key (backsync_key),
  ALGORITHM=INPLACE, LOCK=NONE;
