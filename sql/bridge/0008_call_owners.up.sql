-- By what the mirror's triggers know what may be written while a function is called for a key: whose write that is, NULL for
-- Aurora's, and of which move; and since when the key is claimed for it, in UTC: what was written before is not of this call.
ALTER TABLE backsync_calls
  ADD COLUMN owner VARCHAR(8) CHARACTER SET ascii COLLATE ascii_bin NULL DEFAULT NULL,
  ADD COLUMN epoch BIGINT UNSIGNED NOT NULL DEFAULT 0,
  ADD COLUMN taken DATETIME(3) NULL DEFAULT NULL;
