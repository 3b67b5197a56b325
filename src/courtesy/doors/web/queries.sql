-- name: entered
SELECT count(*) AS things, count(DISTINCT person_id) AS people FROM enrollments;

-- name: exposed
SELECT count(*) AS things, count(DISTINCT person_id) AS people FROM exposures;

-- name: intended
SELECT count(*) AS things, count(DISTINCT person_id) AS people FROM messages;

-- name: allowed
SELECT count(*) AS things, count(DISTINCT person_id) AS people
FROM messages WHERE state <> 'refused';

-- name: sent
SELECT count(*) AS things, count(DISTINCT person_id) AS people FROM messages WHERE state = 'sent';

-- name: postponed
SELECT count(*) FROM messages WHERE state = 'sent' AND sent_at > created_at;

-- name: spoken_to
SELECT m.enrollment_id AS subject_id, m.person_id, min(m.sent_at) AS since, e.entry,
       e.entry_event_id, NULL AS until
FROM messages m JOIN enrollments e ON e.enrollment_id = m.enrollment_id
WHERE m.state = 'sent' AND m.journey = :journey
GROUP BY m.enrollment_id, m.person_id, e.entry, e.entry_event_id;

-- name: treatment
SELECT m.person_id,
       sum(CASE WHEN m.state = 'sent' THEN 1 ELSE 0 END) AS sent,
       count(DISTINCT CASE WHEN m.state = 'sent' THEN m.journey END) AS journeys,
       sum(CASE WHEN m.state IN ('refused', 'failed') AND m.reason <> 'holdout' THEN 1 ELSE 0 END)
         AS refused,
       (SELECT count(*) FROM enrollments e WHERE e.person_id = m.person_id AND e.reason = 'goal')
         AS goals
FROM messages m GROUP BY m.person_id
HAVING sum(CASE WHEN m.state = 'sent' THEN 1 ELSE 0 END) > 0;
