DROP TABLE backsync_owners;
ALTER TABLE backsync_tombstones
  DROP COLUMN owner,
  DROP COLUMN epoch;
