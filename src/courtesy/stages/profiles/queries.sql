-- name: known
SELECT i.kind, i.value, i.person_id,
       CASE WHEN EXISTS (SELECT 1 FROM identifiers u
                         WHERE u.person_id = i.person_id AND u.kind = 'user_id')
            THEN 1 ELSE 0 END AS named
FROM given g CROSS JOIN identifiers i WHERE i.kind = g.kind AND i.value = g.value;

-- name: called
SELECT i.person_id,
       CASE WHEN EXISTS (SELECT 1 FROM identifiers u
                         WHERE u.person_id = i.person_id AND u.kind = 'user_id')
            THEN 1 ELSE 0 END AS named
FROM identifiers i WHERE i.kind = :kind AND i.value = :value;

-- name: add_people
INSERT INTO people (person_id, created_at)
SELECT person_id, created_at FROM given WHERE true
ON CONFLICT (person_id) DO NOTHING;

-- name: point_identifiers
INSERT INTO identifiers (kind, value, person_id)
SELECT kind, value, person_id FROM given WHERE true
ON CONFLICT (kind, value) DO UPDATE SET person_id = excluded.person_id;

-- name: put_traits
INSERT INTO traits (person_id, name, value, occurred_at)
SELECT person_id, name, value, occurred_at FROM given WHERE true
ON CONFLICT (person_id, name) DO UPDATE
SET value = excluded.value, occurred_at = excluded.occurred_at
WHERE excluded.occurred_at >= traits.occurred_at;

-- name: put_consents
INSERT INTO consents (person_id, topic, channel, occurred_at, message_id, granted, source, dated)
SELECT person_id, topic, channel, occurred_at, message_id, granted, source, dated
FROM given WHERE true
ON CONFLICT (person_id, topic, channel, occurred_at, message_id) DO NOTHING;

-- name: flatten_merges
UPDATE merges SET into_id = (SELECT g.into_id FROM given g WHERE g.person_id = merges.into_id)
WHERE into_id IN (SELECT person_id FROM given);

-- name: add_merges
INSERT INTO merges (person_id, into_id, merged_at)
SELECT person_id, into_id, :now FROM given WHERE true
ON CONFLICT (person_id) DO UPDATE SET into_id = excluded.into_id;

-- name: merge_identifiers
UPDATE identifiers
SET person_id = (SELECT g.into_id FROM given g WHERE g.person_id = identifiers.person_id)
WHERE person_id IN (SELECT person_id FROM given);

-- name: merge_traits
INSERT INTO traits (person_id, name, value, occurred_at)
SELECT g.into_id, t.name, t.value, t.occurred_at
FROM given g CROSS JOIN traits t WHERE t.person_id = g.person_id
ON CONFLICT (person_id, name) DO UPDATE
SET value = excluded.value, occurred_at = excluded.occurred_at
WHERE excluded.occurred_at > traits.occurred_at;

-- name: merge_consents
INSERT INTO consents (person_id, topic, channel, occurred_at, message_id, granted, source, dated)
SELECT g.into_id, c.topic, c.channel, c.occurred_at, c.message_id, c.granted, c.source, c.dated
FROM given g CROSS JOIN consents c WHERE c.person_id = g.person_id
ON CONFLICT (person_id, topic, channel, occurred_at, message_id) DO NOTHING;

-- name: drop_merged_traits
DELETE FROM traits WHERE person_id IN (SELECT person_id FROM given);

-- name: drop_merged_consents
DELETE FROM consents WHERE person_id IN (SELECT person_id FROM given);

-- name: drop_merged_people
DELETE FROM people WHERE person_id IN (SELECT person_id FROM given);

-- name: everybody
SELECT person_id FROM people;

-- name: trait_names
SELECT name, count(*) AS people FROM traits WHERE value <> 'null' GROUP BY name;

-- name: topics
SELECT topic, count(*) AS people FROM consents WHERE topic <> '*' GROUP BY topic;

-- name: traits_of_people
SELECT t.person_id, t.name, t.value FROM {people} p CROSS JOIN traits t
WHERE t.person_id = p.person_id AND t.value <> 'null';

-- name: count_people
SELECT count(*) FROM people;

-- name: find_person
SELECT p.person_id, p.created_at FROM people p
WHERE p.person_id = :name
   OR p.person_id IN (SELECT person_id FROM identifiers WHERE value = :name)
   OR p.person_id IN (SELECT into_id FROM merges WHERE person_id = :name)
ORDER BY p.created_at LIMIT 1;

-- name: ids_of
SELECT :person_id AS person_id UNION SELECT person_id FROM merges WHERE into_id = :person_id;

-- name: identifiers_of
SELECT kind, value FROM identifiers WHERE person_id = :person_id ORDER BY kind DESC, value;

-- name: traits_of
SELECT name, value, occurred_at FROM traits
WHERE person_id = :person_id AND value <> 'null' ORDER BY name;

-- name: consents_of
SELECT topic, channel, granted, source, occurred_at, dated FROM consents
WHERE person_id = :person_id ORDER BY occurred_at, message_id, topic, channel;

-- name: allowed
-- The one answer to what people allow. A withdrawal beats every grant that is not newer (of the same
-- instant too), and every grant that does not say when it was given. {people} is people, or the
-- temporary table of those who are asked about; SQLite keeps the order of a CROSS JOIN.
SELECT DISTINCT c.person_id, c.topic, c.channel
FROM {people} p CROSS JOIN consents c
WHERE c.person_id = p.person_id AND c.granted = 1 AND c.occurred_at <= :now
  AND NOT EXISTS (
    SELECT 1 FROM consents w
    WHERE w.person_id = c.person_id AND w.granted = 0 AND w.occurred_at <= :now
      AND w.topic IN (c.topic, '*') AND w.channel IN (c.channel, '*')
      AND (w.occurred_at >= c.occurred_at OR c.dated = 0));

-- name: declared
SELECT DISTINCT c.person_id, a.topic, a.channel
FROM {people} p CROSS JOIN consents c CROSS JOIN asked_consents a
WHERE c.person_id = p.person_id AND c.topic IN (a.topic, '*') AND c.channel IN (a.channel, '*')
  AND c.occurred_at <= :now;

-- name: declarations
SELECT c.person_id, c.topic, c.channel, c.occurred_at, c.message_id, c.granted, c.source, c.dated,
       NULL AS address_hash
FROM {people} p CROSS JOIN consents c WHERE c.person_id = p.person_id;

-- name: list_people
SELECT p.person_id, p.created_at,
       (SELECT min(i.value) FROM identifiers i
        WHERE i.person_id = p.person_id AND i.kind = 'user_id') AS user_id
FROM people p ORDER BY p.created_at, p.person_id LIMIT :limit;

-- name: merges
SELECT person_id, into_id FROM merges;
