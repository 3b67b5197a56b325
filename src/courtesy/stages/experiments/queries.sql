-- name: expose
INSERT INTO exposures (experiment, person_id, arm, exposed_at, entry)
SELECT experiment, person_id, arm, exposed_at, entry FROM given WHERE true
ORDER BY experiment, person_id
ON CONFLICT (experiment, person_id) DO NOTHING;

-- name: since
SELECT exposure_id, experiment, person_id, arm, exposed_at, entry
FROM exposures WHERE exposure_id > :after ORDER BY exposure_id LIMIT :limit;
