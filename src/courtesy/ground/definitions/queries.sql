-- name: active
SELECT kind, name, version, body, content_hash, applied_at
FROM definitions WHERE active = 1 ORDER BY kind, name;

-- name: every
SELECT kind, name, version, body, content_hash, applied_at
FROM definitions WHERE kind = :kind ORDER BY name, version;

-- name: stamps
SELECT kind, name, version, content_hash, active FROM definitions ORDER BY kind, name, version;

-- name: newest
SELECT coalesce(max(version), 0) FROM definitions WHERE kind = :kind AND name = :name;

-- name: retire
UPDATE definitions SET active = 0 WHERE kind = :kind AND name = :name;

-- name: insert
INSERT INTO definitions (kind, name, version, body, content_hash, active, applied_at)
VALUES (:kind, :name, :version, :body, :content_hash, 1, :applied_at);
