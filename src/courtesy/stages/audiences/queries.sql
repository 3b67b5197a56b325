-- In these statements {people} is asked_people, or people where everybody is asked about. SQLite
-- keeps the order of a CROSS JOIN; left to itself it reads whole tables for a few people.

-- name: population
SELECT person_id AS subject_id, person_id, NULL AS since, NULL AS entry FROM people;

-- name: traits
SELECT t.person_id, t.name, t.value
FROM {people} p CROSS JOIN traits t
WHERE t.person_id = p.person_id AND t.name IN (SELECT name FROM asked_traits);

-- name: memberships
SELECT m.audience, m.person_id
FROM {people} p CROSS JOIN memberships m
WHERE m.person_id = p.person_id AND m.audience IN (SELECT name FROM asked_audiences);

-- name: merges
SELECT m.person_id, m.into_id FROM {people} p JOIN merges m ON m.into_id = p.person_id;

-- name: members
SELECT person_id FROM memberships WHERE audience = :audience;

-- name: membership
SELECT since FROM memberships WHERE audience = :audience AND person_id = :person_id;

-- name: join_audience
INSERT INTO memberships (audience, person_id, since)
SELECT :audience, person_id, :now FROM changed_members WHERE true
ON CONFLICT (audience, person_id) DO NOTHING;

-- name: leave_audience
DELETE FROM memberships
WHERE audience = :audience AND person_id IN (SELECT person_id FROM changed_members);

-- name: drop_others
DELETE FROM memberships WHERE audience NOT IN (SELECT name FROM asked_audiences);

-- name: counts
SELECT audience, count(*) AS members FROM memberships GROUP BY audience;
