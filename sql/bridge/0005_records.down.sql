-- Entities that keep their records there lose versions and owners: their rows count as never written by the bridge.
DROP TABLE backsync_records;
