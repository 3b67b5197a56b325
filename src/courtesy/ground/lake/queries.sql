-- name: epochs
SELECT epoch FROM epochs ORDER BY place;

-- name: begin_epoch
INSERT INTO epochs (epoch, place, began_at)
SELECT :epoch, coalesce(max(place), 0) + 1, :began_at FROM epochs;

-- name: forget_landings
DELETE FROM landings;

-- name: landing
SELECT inherited, landed, commits FROM landings WHERE lake_table = :lake_table;

-- name: land
INSERT INTO landings (lake_table, inherited, landed, commits)
VALUES (:lake_table, :inherited, :landed, :commits)
ON CONFLICT (lake_table) DO UPDATE SET landed = excluded.landed, commits = excluded.commits;
