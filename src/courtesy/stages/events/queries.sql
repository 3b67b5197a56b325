-- name: accept
INSERT INTO inbox (source, received_at, history, body)
VALUES (:source, :received_at, :history, :body);

-- name: waiting
SELECT inbox_id, source, received_at, history, body FROM inbox
WHERE inbox_id > :after AND inbox_id <= :upto
ORDER BY inbox_id LIMIT :limit;

-- name: waiting_count
SELECT count(*) FROM inbox;

-- name: take_number
INSERT INTO inbox (source, received_at, history, body) VALUES ('', 0, 0, '')
RETURNING inbox_id;

-- name: drop_number
DELETE FROM inbox WHERE inbox_id = :inbox_id;

-- name: done
DELETE FROM inbox WHERE inbox_id <= :upto;

-- name: seen
SELECT message_id FROM given JOIN seen USING (message_id);

-- name: mark_seen
INSERT INTO seen (message_id) SELECT message_id FROM given WHERE true
ON CONFLICT (message_id) DO NOTHING;

-- name: forget_unlisted
DELETE FROM seen WHERE message_id NOT IN (SELECT message_id FROM given);

-- name: reject
INSERT INTO rejections (source, received_at, place, reason, body)
VALUES (:source, :received_at, :place, :reason, :body);

-- name: rejections
SELECT source, received_at, place, reason, body FROM rejections
ORDER BY rejection_id DESC LIMIT :limit;

-- name: source_of
SELECT source FROM sources WHERE key_hash = :key_hash;

-- name: add_source
INSERT INTO sources (key_hash, source, created_at) VALUES (:key_hash, :source, :created_at);

-- name: drop_source
DELETE FROM sources WHERE source = :source;

-- name: sources
SELECT source, created_at FROM sources ORDER BY created_at, source;
