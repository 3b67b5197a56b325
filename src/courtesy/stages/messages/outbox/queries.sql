-- name: release
UPDATE messages SET state = 'queued', worker = NULL WHERE state = 'sending' AND worker = :worker;

-- name: unowned
SELECT count(*) FROM messages WHERE state = 'sending' AND worker IS NULL;

-- name: doubt_claims
UPDATE messages SET state = 'uncertain', sent_at = :now
WHERE state = 'sending' AND coalesce(worker, '') = :worker;

-- name: uncertain
SELECT m.message_id, m.person_id, m.journey, m.step, m.channel, m.sent_at AS handed_over_at,
       m.attempts, m.detail
FROM messages m WHERE m.state = 'uncertain' ORDER BY m.sent_at, m.message_id;

-- name: repeat
UPDATE messages SET state = 'queued', due_at = :now, sent_at = NULL, worker = NULL
WHERE state = 'uncertain' AND message_id IN (SELECT message_id FROM given);

-- name: unanswered
SELECT m.message_id FROM messages m
WHERE m.state = 'uncertain' AND m.sent_at <= :before AND m.attempts < :most
  AND NOT EXISTS (SELECT 1 FROM receipts r
                  WHERE r.message_id = m.message_id AND r.kind <> 'uncertain');

-- name: hold
INSERT INTO holds (channel, held_since, failed_at, failures, detail)
VALUES (:channel, :now, :now, 1, :detail)
ON CONFLICT (channel) DO UPDATE
SET failed_at = excluded.failed_at, failures = holds.failures + 1, detail = excluded.detail;

-- name: end_hold
DELETE FROM holds WHERE channel = :channel;

-- name: holds
SELECT channel, held_since, failed_at, failures, detail FROM holds ORDER BY channel;

-- name: waiting
SELECT channel, count(*) AS messages, min(due_at) AS due_at FROM messages
WHERE state IN ('queued', 'held') AND due_at <= :now
GROUP BY channel ORDER BY channel;

-- name: waiting_by_journey
SELECT journey, count(*) AS messages FROM messages WHERE state IN ('queued', 'held', 'paused')
GROUP BY journey;

-- name: at_provider
SELECT count(*) FROM (
  SELECT message_id FROM messages WHERE state IN ('sending', 'uncertain') LIMIT 1) AS one;

-- name: pause
UPDATE messages SET state = 'paused' WHERE journey = :journey AND state IN ('queued', 'held');

-- name: resume
UPDATE messages SET state = 'queued' WHERE journey = :journey AND state = 'paused';

-- name: recall
UPDATE messages SET state = 'refused', reason = 'recalled'
WHERE journey = :journey AND state IN ('queued', 'held', 'paused');

-- name: people_reached
SELECT count(DISTINCT person_id) FROM messages
WHERE state IN ('sent', 'sending', 'uncertain')
   OR (state IN ('queued', 'held') AND due_at <= :now);
