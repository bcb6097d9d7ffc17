-- name: looked_at_on_list
-- Who is on a list, of one domain group, and can be known to the file.
SELECT p.id FROM {schema}.list_members m JOIN {schema}.profiles p ON p.id = m.profile_id
WHERE m.list_number = {list} AND m.removed_at IS NULL AND p.domain_group = {domain_group}
  AND (m.added_at < '{written}'::timestamptz OR m.added_by_run IN ({own_runs})){spared}

-- name: looked_at_of_group
-- All contacts of a domain group that can be known to the file, but for those that the run has just made.
SELECT p.id FROM {schema}.profiles p
WHERE p.domain_group = {domain_group} AND p.created_by_run IS DISTINCT FROM '{run}'
  AND (p.created_at < '{written}'::timestamptz OR p.created_by_run IN ({own_runs})){spared}

-- name: spared
-- Who has said yes since the file was written is not made to say no by it.
 AND NOT coalesce(p.opt_in AND p.consent_at >= '{written}'::timestamptz, false)

-- name: own_runs
-- The runs of the goal: whom an earlier file of it brought is known to the later one, whenever that was imported.
SELECT r.run_id FROM tidegate.runs r JOIN tidegate.runs o ON o.account_id = r.account_id AND o.goal_id = r.goal_id
WHERE o.account_id = '{account}' AND o.run_id = '{run}'

-- name: count_looked_at
-- How many these are.
SELECT count(*) FROM ({looked_at}) c

-- name: find
-- Those whom no row of the file names.
CREATE UNLOGGED TABLE {absent} AS
SELECT c.id FROM ({looked_at}) c WHERE NOT EXISTS (SELECT FROM {of_file} i WHERE i.id = c.id)

-- name: alone
-- Wait until nobody else judges the same people, and keep the others waiting.
SELECT pg_advisory_xact_lock(hashtextextended($1, 0))

-- name: be_patient
-- The other's merge may take minutes.
SET LOCAL lock_timeout = '600s'
