-- name: expose
INSERT INTO exposures (experiment, person_id, arm, exposed_at, entry, unit, traits)
SELECT experiment, person_id, arm, exposed_at, entry, unit, traits FROM given WHERE true
ORDER BY experiment, person_id
ON CONFLICT (experiment, person_id) DO NOTHING;

-- name: since
SELECT exposure_id, experiment, person_id, arm, exposed_at, entry,
       coalesce(unit, person_id) AS unit, traits
FROM exposures WHERE exposure_id > :after ORDER BY exposure_id LIMIT :limit;

-- name: newest_exposure
SELECT coalesce(max(exposure_id), 0) FROM exposures;

-- name: exposed_before
WITH known_as AS (
    SELECT person_id, person_id AS known_id FROM given
    UNION ALL
    SELECT g.person_id, m.person_id AS known_id
    FROM given g CROSS JOIN merges m WHERE m.into_id = g.person_id
), found AS (
    SELECT k.person_id, e.arm,
           row_number() OVER (PARTITION BY k.person_id
                              ORDER BY e.exposed_at, e.exposure_id) AS place
    FROM known_as k CROSS JOIN exposures e
    WHERE e.experiment = :experiment AND e.person_id = k.known_id
)
SELECT person_id, arm FROM found WHERE place = 1;

-- name: cluster_values
SELECT t.person_id, t.value
FROM given g CROSS JOIN traits t WHERE t.person_id = g.person_id AND t.name = :trait;

-- name: traits_of_given
SELECT t.person_id, t.name, t.value, t.occurred_at
FROM given g CROSS JOIN traits t
WHERE t.person_id = g.person_id AND t.name IN (SELECT name FROM asked_traits);

-- name: traits_of_all
SELECT person_id, name, value, occurred_at
FROM traits WHERE name IN (SELECT name FROM asked_traits);

-- name: standings
SELECT experiment, started_at, plan, stopped_at, kept, verdict, definition_hash
FROM pilots ORDER BY experiment;

-- name: start
INSERT INTO pilots (experiment, started_at, definition_hash, plan)
VALUES (:experiment, :started_at, :definition_hash, :plan)
ON CONFLICT (experiment) DO NOTHING;

-- name: stop
UPDATE pilots SET stopped_at = :now, kept = :kept, verdict = :verdict
WHERE experiment = :experiment AND stopped_at IS NULL;

-- name: learn
INSERT INTO learnings (experiment, learned_at, owner, hypothesis, verdict, learned, result)
VALUES (:experiment, :learned_at, :owner, :hypothesis, :verdict, :learned, :result);

-- name: learnings
SELECT experiment, learned_at, owner, hypothesis, verdict, learned, result
FROM learnings ORDER BY learned_at DESC, learning_id DESC;

-- name: counts
SELECT experiment, arm, count(*) AS people
FROM exposures GROUP BY experiment, arm ORDER BY experiment, arm;

-- name: clear_exposures
DELETE FROM exposures;
