ALTER TABLE cheftable
  DROP COLUMN backsync_owner,
  DROP COLUMN backsync_epoch;
