DROP TABLE backsync_tombstones;
