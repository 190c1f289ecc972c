-- Whose each of the keys is, the legacy side's or DynamoDB's, and since which move. NULL: the legacy side's.
ALTER TABLE recipetable
  ADD COLUMN backsync_owner VARCHAR(8) CHARACTER SET ascii COLLATE ascii_bin NULL DEFAULT NULL INVISIBLE,
  ADD COLUMN backsync_epoch BIGINT UNSIGNED NOT NULL DEFAULT 0 INVISIBLE,
  ALGORITHM=INSTANT;
