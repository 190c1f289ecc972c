DROP TABLE backsync_idempotency;
