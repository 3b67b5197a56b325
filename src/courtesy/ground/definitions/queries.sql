-- name: active
SELECT kind, name, version, body, content_hash, applied_at, release, retired
FROM definitions WHERE active = 1 ORDER BY kind, name;

-- name: every
SELECT kind, name, version, body, content_hash, applied_at, release, retired
FROM definitions WHERE kind = :kind ORDER BY name, version;

-- name: stamps
SELECT kind, name, version, content_hash, active FROM definitions ORDER BY kind, name, version;

-- name: newest
SELECT coalesce(max(version), 0) FROM definitions WHERE kind = :kind AND name = :name;

-- name: next_release
SELECT coalesce(max(CASE WHEN retired > release THEN retired ELSE release END), 0) + 1
FROM definitions;

-- name: retire
UPDATE definitions SET active = 0, retired = :release
WHERE kind = :kind AND name = :name AND active = 1;

-- name: insert
INSERT INTO definitions (kind, name, version, body, content_hash, active, applied_at, release)
VALUES (:kind, :name, :version, :body, :content_hash, 1, :applied_at, :release);
