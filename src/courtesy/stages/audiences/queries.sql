-- In these statements {people} is asked_people, or people where everybody is asked about.

-- name: population
SELECT person_id AS subject_id, person_id, NULL AS since, NULL AS entry FROM people;

-- name: traits
SELECT t.person_id, t.name, t.value
FROM {people} p JOIN traits t ON t.person_id = p.person_id
WHERE t.name IN (SELECT name FROM asked_traits);

-- name: consents
SELECT person_id, topic, channel, granted
FROM (SELECT c.person_id, a.topic, a.channel, c.granted,
             row_number() OVER (PARTITION BY c.person_id, a.topic, a.channel
                                ORDER BY c.occurred_at DESC, c.granted) AS place
      FROM {people} p JOIN consents c ON c.person_id = p.person_id
      JOIN asked_consents a ON c.topic IN (a.topic, '*') AND c.channel IN (a.channel, '*')
      WHERE c.occurred_at <= :now) AS declared
WHERE place = 1;

-- name: memberships
SELECT m.audience, m.person_id
FROM {people} p JOIN memberships m ON m.person_id = p.person_id
WHERE m.audience IN (SELECT name FROM asked_audiences);

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
