-- A version that is taken from the stream (its second and its sequence number) has up to 50 digits.
ALTER TABLE backsync_tombstones MODIFY version DECIMAL(50, 0) NOT NULL;
