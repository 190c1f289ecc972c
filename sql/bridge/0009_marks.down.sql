DROP TABLE backsync_marks;
