-- name: reached
SELECT reached_at FROM progress WHERE task = :task;

-- name: reach
INSERT INTO progress (task, reached_at) VALUES (:task, :reached_at)
ON CONFLICT (task) DO UPDATE SET reached_at = excluded.reached_at;

-- name: renew
INSERT INTO workers (worker, lease_until) VALUES (:worker, :lease_until)
ON CONFLICT (worker) DO UPDATE SET lease_until = excluded.lease_until;

-- name: end_lease
DELETE FROM workers WHERE worker = :worker;

-- name: leases
SELECT worker, lease_until FROM workers ORDER BY worker;

-- name: forget_progress
DELETE FROM progress WHERE task = :task;
