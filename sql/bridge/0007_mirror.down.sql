DROP TABLE backsync_writers;
DROP TABLE backsync_conflicts;
DROP TABLE backsync_changes;
