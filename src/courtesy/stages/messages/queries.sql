-- name: addresses
SELECT g.person_id, e.value AS email, z.value AS timezone
FROM given g
LEFT JOIN traits e ON e.person_id = g.person_id AND e.name = 'email'
LEFT JOIN traits z ON z.person_id = g.person_id AND z.name = 'timezone';

-- name: suppressed
SELECT s.channel, s.address_hash
FROM reached r CROSS JOIN suppressions s
WHERE s.channel = r.channel AND s.address_hash = r.address_hash;

-- name: opted_out
SELECT a.channel, a.address_hash, a.topic
FROM addressed a CROSS JOIN address_consents w
WHERE w.channel = a.channel AND w.address_hash = a.address_hash AND w.granted = 0
  AND w.topic IN (a.topic_key, '*') AND w.occurred_at <= :now
  AND NOT EXISTS (
    SELECT 1 FROM address_consents y
    WHERE y.channel = a.channel AND y.address_hash = a.address_hash AND y.granted = 1
      AND y.topic = a.topic_key AND y.occurred_at > w.occurred_at AND y.occurred_at <= :now);

-- name: mailed
SELECT m.channel, m.address_hash, m.journey, m.step, m.person_id AS mailed_to,
       m.created_at AS mailed_at, m.state
FROM reached r CROSS JOIN messages m
WHERE m.address_hash = r.address_hash AND m.channel = r.channel AND m.created_at > :since
  AND m.state IN ('queued', 'held', 'sending', 'sent', 'uncertain');

-- name: put_address_consents
INSERT INTO address_consents (channel, address_hash, topic, occurred_at, granted)
SELECT channel, address_hash, topic, occurred_at, granted FROM given WHERE true
ON CONFLICT (channel, address_hash, topic, occurred_at, granted) DO NOTHING;

-- name: spoken
SELECT m.message_id, m.person_id, m.channel, m.topic, m.state,
       coalesce(m.sent_at, m.due_at) AS counted_at
FROM given g CROSS JOIN messages m
WHERE m.person_id = g.person_id
  AND m.state IN ('queued', 'held', 'sending', 'sent', 'uncertain')
  AND coalesce(m.sent_at, m.due_at) > :since;

-- name: queue
INSERT INTO messages (message_id, enrollment_id, person_id, journey, version, step, arm, channel,
                      address_hash, topic, template, variant, state, reason, attempts, created_at,
                      due_at, expires_at)
SELECT message_id, enrollment_id, person_id, journey, version, step, arm, channel, address_hash,
       topic, template, variant, state, reason, 0, created_at, due_at, expires_at
FROM given WHERE true
ON CONFLICT (message_id) DO NOTHING;

-- name: claim
UPDATE messages SET state = 'sending', worker = :worker
WHERE state || '' IN ('queued', 'held') -- an expression, so that no index of all that waits is read
  AND message_id IN (
    SELECT message_id FROM (
      SELECT * FROM (SELECT message_id, due_at FROM messages
                     WHERE state = 'queued' AND due_at <= :now
                     ORDER BY due_at, message_id LIMIT :most) AS queued
      UNION ALL
      SELECT * FROM (SELECT message_id, due_at FROM messages
                     WHERE state = 'held' AND due_at <= :now
                     ORDER BY due_at, message_id LIMIT :most) AS held) AS due
    ORDER BY due_at, message_id LIMIT :most)
RETURNING message_id;

-- name: claimed
SELECT m.message_id, m.enrollment_id, m.person_id, m.journey, m.version, m.step, m.arm, m.topic,
       m.template, m.created_at, m.expires_at, 0 AS priority, m.variant, m.channel,
       m.attempts, coalesce(e.entry, '{}') AS entry
FROM given g CROSS JOIN messages m
LEFT JOIN enrollments e ON e.enrollment_id = m.enrollment_id
WHERE m.message_id = g.message_id
ORDER BY m.due_at, m.message_id;

-- name: traits
SELECT t.person_id, t.name, t.value
FROM given g CROSS JOIN traits t
WHERE t.person_id = g.person_id AND t.value <> 'null';

-- name: keep_own
DELETE FROM given WHERE NOT EXISTS (
  SELECT 1 FROM messages m
  WHERE m.message_id = given.message_id AND m.worker = :worker
    AND m.state IN ('sending', 'uncertain'));

-- name: settle
UPDATE messages
SET state = g.state, reason = g.reason, detail = g.detail, attempts = messages.attempts + g.tried,
    due_at = coalesce(g.due_at, messages.due_at), sent_at = g.sent_at,
    address_hash = coalesce(g.address_hash, messages.address_hash),
    worker = CASE WHEN g.state = 'uncertain' THEN messages.worker END
FROM given g
WHERE messages.message_id = g.message_id;

-- name: receive
INSERT INTO receipts (message_id, kind, occurred_at, detail)
SELECT message_id, receipt, :now, coalesce(detail, '') FROM given WHERE receipt IS NOT NULL
ON CONFLICT (message_id, kind, occurred_at) DO NOTHING;

-- name: suppress_bounced
INSERT INTO suppressions (channel, address_hash, reason, suppressed_at)
SELECT DISTINCT channel, address_hash, 'bounced', :now FROM given WHERE receipt = 'bounced'
ON CONFLICT (channel, address_hash) DO NOTHING;

-- name: settled
SELECT m.message_id, m.journey, m.step, m.template, m.topic, m.channel, m.variant, g.receipt,
       (SELECT min(i.value) FROM identifiers i
        WHERE i.person_id = m.person_id AND i.kind = 'user_id') AS user_id,
       (SELECT min(i.value) FROM identifiers i
        WHERE i.person_id = m.person_id AND i.kind = 'anonymous_id') AS anonymous_id
FROM given g CROSS JOIN messages m
WHERE m.message_id = g.message_id
  AND (g.receipt = 'bounced' OR (g.receipt = 'accepted' AND m.state = 'sent'))
ORDER BY m.message_id;

-- name: suppress
INSERT INTO suppressions (channel, address_hash, reason, suppressed_at)
VALUES (:channel, :address_hash, :reason, :now)
ON CONFLICT (channel, address_hash) DO NOTHING;

-- name: suppressions
SELECT channel, reason, count(*) AS addresses, max(suppressed_at) AS newest
FROM suppressions GROUP BY channel, reason ORDER BY channel, reason;

-- name: put_sent
INSERT INTO messages (message_id, enrollment_id, person_id, journey, version, step, arm, channel,
                      topic, template, variant, state, attempts, created_at, due_at, sent_at)
SELECT g.message_id, coalesce(e.enrollment_id, ''), g.person_id, g.journey,
       coalesce(e.version, 0), g.step, coalesce(e.arm, ''), g.channel, g.topic, g.template,
       g.variant, 'sent', 1, g.sent_at, g.sent_at, g.sent_at
FROM given g
LEFT JOIN enrollments e ON e.person_id = g.person_id AND e.journey = g.journey
  AND e.pass_number = (SELECT max(l.pass_number) FROM enrollments l
                       WHERE l.person_id = g.person_id AND l.journey = g.journey
                         AND l.entered_at <= g.sent_at)
WHERE true
ON CONFLICT (message_id) DO UPDATE SET state = 'sent', reason = NULL, sent_at = excluded.sent_at
WHERE messages.state <> 'sent';

-- name: doubt
UPDATE messages SET state = 'uncertain'
WHERE state IN ('queued', 'held', 'sending') AND (due_at <= :now OR created_at >= :since);

-- name: merge
UPDATE messages
SET person_id = (SELECT g.into_id FROM given g WHERE g.person_id = messages.person_id)
WHERE person_id IN (SELECT person_id FROM given);

-- name: clear_receipts
DELETE FROM receipts;

-- name: clear_fetches
DELETE FROM fetches;

-- name: clear_messages
DELETE FROM messages;

-- name: next_due
SELECT min(due_at) FROM (
  SELECT min(due_at) AS due_at FROM messages WHERE state = 'queued'
  UNION ALL
  SELECT min(due_at) FROM messages WHERE state = 'held') AS waiting;

-- name: count_by_state
SELECT state AS name, count(*) AS messages FROM messages
GROUP BY state ORDER BY count(*) DESC, state;

-- name: count_by_reason
SELECT reason AS name, count(*) AS messages FROM messages
WHERE reason IS NOT NULL AND state IN ('refused', 'failed')
GROUP BY reason ORDER BY count(*) DESC, reason;

-- name: sent_times
SELECT m.channel, z.value AS timezone, m.sent_at / 900000000 AS quarter, count(*) AS messages
FROM messages m LEFT JOIN traits z ON z.person_id = m.person_id AND z.name = 'timezone'
WHERE m.state = 'sent'
GROUP BY m.channel, z.value, m.sent_at / 900000000;

-- name: messages_of
SELECT * FROM messages WHERE person_id = :person_id ORDER BY created_at, message_id;

-- name: message
SELECT m.*,
       (SELECT min(i.value) FROM identifiers i
        WHERE i.person_id = m.person_id AND i.kind = 'user_id') AS user_id,
       (SELECT min(i.value) FROM identifiers i
        WHERE i.person_id = m.person_id AND i.kind = 'anonymous_id') AS anonymous_id
FROM messages m WHERE m.message_id = :message_id;

-- name: keep_fetches
INSERT INTO fetches (fetch_id, message_id, kind, url, signal, occurred_at)
SELECT fetch_id, message_id, kind, url, signal, occurred_at FROM given WHERE true
ON CONFLICT (fetch_id) DO NOTHING;

-- name: ready
SELECT message_id FROM fetches GROUP BY message_id
HAVING max(occurred_at) <= :quiet_since OR min(occurred_at) <= :waiting_since;

-- name: fetches
SELECT f.fetch_id, f.message_id, f.kind, f.url, f.signal, f.occurred_at, m.sent_at
FROM given g CROSS JOIN fetches f
LEFT JOIN messages m ON m.message_id = f.message_id
WHERE f.message_id = g.message_id;

-- name: fetched
SELECT m.message_id, m.journey, m.step, m.template, m.topic, m.channel,
       (SELECT min(i.value) FROM identifiers i
        WHERE i.person_id = m.person_id AND i.kind = 'user_id') AS user_id,
       (SELECT min(i.value) FROM identifiers i
        WHERE i.person_id = m.person_id AND i.kind = 'anonymous_id') AS anonymous_id
FROM given g CROSS JOIN messages m
WHERE m.message_id = g.message_id;

-- name: forget_fetches
DELETE FROM fetches WHERE message_id IN (SELECT message_id FROM given);

-- name: receipts_of
SELECT kind, occurred_at, detail FROM receipts
WHERE message_id = :message_id ORDER BY occurred_at, kind;
