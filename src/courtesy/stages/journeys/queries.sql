-- name: due
SELECT enrollment_id, journey, version, person_id, pass_number, arm, step, state, reason, entry,
       entered_at, due_at, ended_at, tests, entry_event_id
FROM enrollments WHERE state = 'active' AND due_at <= :now
  AND journey NOT IN (SELECT journey FROM journey_states WHERE state = 'paused')
ORDER BY due_at, enrollment_id LIMIT :limit;

-- name: next_due
SELECT min(due_at) FROM enrollments
WHERE state = 'active'
  AND journey NOT IN (SELECT journey FROM journey_states WHERE state = 'paused');

-- name: active_of
SELECT e.enrollment_id, e.journey, e.version, e.person_id, e.pass_number, e.arm, e.step, e.state,
       e.reason, e.entry, e.entered_at, e.due_at, e.ended_at, e.tests, e.entry_event_id
FROM given g CROSS JOIN enrollments e
WHERE e.person_id = g.person_id AND e.journey = g.journey AND e.state = 'active';

-- name: standing
SELECT e.person_id, max(e.pass_number) AS passes,
       max(CASE WHEN e.state = 'active' THEN 1 ELSE 0 END) AS active,
       max(e.entered_at) AS last_entered_at
FROM given g CROSS JOIN enrollments e
WHERE e.person_id = g.person_id AND e.journey = :journey GROUP BY e.person_id;

-- name: put
INSERT INTO enrollments (enrollment_id, journey, version, person_id, pass_number, arm, step, state,
                         reason, entry, entered_at, due_at, ended_at, tests,
                         entry_event_id)
SELECT enrollment_id, journey, version, person_id, pass_number, arm, step, state, reason, entry,
       entered_at, due_at, ended_at, tests, entry_event_id FROM given WHERE true
ON CONFLICT (enrollment_id) DO UPDATE SET step = excluded.step, state = excluded.state,
    reason = excluded.reason, due_at = excluded.due_at, ended_at = excluded.ended_at,
    tests = excluded.tests;

-- name: pass
INSERT INTO passages (enrollment_id, step, outcome, passed_at)
SELECT enrollment_id, step, outcome, passed_at FROM given WHERE true
ON CONFLICT (enrollment_id, step) DO NOTHING;

-- name: end
UPDATE enrollments
SET state = 'ended', due_at = NULL, ended_at = :now, reason = (
    SELECT g.reason FROM given g WHERE g.enrollment_id = enrollments.enrollment_id)
WHERE state = 'active' AND enrollment_id IN (SELECT enrollment_id FROM given);

-- name: states
SELECT journey, state, since FROM journey_states;

-- name: put_state
INSERT INTO journey_states (journey, state, since) VALUES (:journey, :state, :now)
ON CONFLICT (journey) DO UPDATE SET state = excluded.state, since = excluded.since;

-- name: put_change
INSERT INTO journey_changes (journey, state, changed_at, changed_by)
VALUES (:journey, :state, :now, :changed_by);

-- name: changes
SELECT state, changed_at, changed_by FROM journey_changes WHERE journey = :journey
ORDER BY change_id;

-- name: drop_state
DELETE FROM journey_states WHERE journey = :journey;

-- name: standing_at
SELECT journey, version, step, count(*) AS people FROM enrollments WHERE state = 'active'
GROUP BY journey, version, step ORDER BY journey, version, step;

-- name: stop
UPDATE enrollments
SET state = 'ended', due_at = NULL, ended_at = :now, reason = 'stopped'
WHERE state = 'active' AND journey = :journey;

-- name: clear_passages
DELETE FROM passages;

-- name: clear_enrollments
DELETE FROM enrollments;

-- name: merge
UPDATE enrollments
SET person_id = (SELECT g.into_id FROM given g WHERE g.person_id = enrollments.person_id)
WHERE person_id IN (SELECT person_id FROM given);

-- name: versions_in_flight
SELECT DISTINCT journey, version FROM enrollments WHERE state = 'active';

-- name: counts
SELECT journey, version, arm, state, coalesce(reason, state) AS reason, count(*) AS people
FROM enrollments GROUP BY journey, version, arm, state, coalesce(reason, state)
ORDER BY journey, version, arm, state, reason;

-- name: of_person
SELECT enrollment_id, journey, version, pass_number, arm, step, state, reason, entered_at, ended_at
FROM enrollments WHERE person_id = :person_id ORDER BY entered_at, enrollment_id;

-- name: passages_of
SELECT p.enrollment_id, e.journey, p.step, p.outcome, p.passed_at
FROM passages p JOIN enrollments e ON e.enrollment_id = p.enrollment_id
WHERE e.person_id = :person_id ORDER BY p.passed_at, p.step;

-- name: passed
SELECT e.person_id, e.version, p.step, e.entry, e.entered_at, p.passed_at
FROM passages p JOIN enrollments e ON e.enrollment_id = p.enrollment_id
WHERE e.journey = :journey AND p.passed_at >= :since AND p.passed_at < :until
ORDER BY p.passed_at, e.person_id, p.step;
