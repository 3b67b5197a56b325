-- name: reached
SELECT reached_at FROM progress WHERE task = :task;

-- name: reach
INSERT INTO progress (task, reached_at) VALUES (:task, :reached_at)
ON CONFLICT (task) DO UPDATE SET reached_at = excluded.reached_at;
