ALTER TABLE backsync_calls DROP COLUMN owner, DROP COLUMN epoch, DROP COLUMN taken;
