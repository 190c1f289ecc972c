-- Fails, and changes nothing, while a tombstone holds a version that is taken from the stream.
ALTER TABLE backsync_tombstones MODIFY version BIGINT UNSIGNED NOT NULL;
