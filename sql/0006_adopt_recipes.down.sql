ALTER TABLE recipetable
  DROP KEY backsync_key,
  DROP COLUMN backsync_key,
  DROP COLUMN backsync_version,
  DROP COLUMN backsync_updated_at;
