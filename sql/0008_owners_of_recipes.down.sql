ALTER TABLE recipetable
  DROP COLUMN backsync_owner,
  DROP COLUMN backsync_epoch;
