-- name: unique
-- The entries of a list in order, each once; short lists, which are most, are looked at without a sub-select.
CASE WHEN cardinality({value}) = 1
    OR (cardinality({value}) = 2 AND ({value})[1] <> ({value})[2])
    OR (cardinality({value}) = 3 AND ({value})[1] NOT IN (({value})[2], ({value})[3]) AND ({value})[2] <> ({value})[3])
    THEN {value}
    ELSE ARRAY(SELECT u.v FROM unnest({value}) WITH ORDINALITY AS u (v, n) GROUP BY u.v ORDER BY min(u.n)) END

-- name: unique_without
-- The entries of a list in order, each once, but for those of another list.
ARRAY(SELECT u.v FROM unnest({value}) WITH ORDINALITY AS u (v, n)
    WHERE NOT ARRAY[u.v] <@ {without} GROUP BY u.v ORDER BY min(u.n))

-- name: growing_list
-- The entries that all rows of a profile add, in file order, each once.
SELECT w.{anchor}, array_agg(w.v ORDER BY w.n) AS {column}
FROM (
    SELECT s.{anchor}, u.v, min(ARRAY[s.record_number, u.n]) AS n
    FROM {doubled} s CROSS JOIN LATERAL unnest(s.{column}) WITH ORDINALITY AS u (v, n)
    GROUP BY s.{anchor}, u.v
) w
GROUP BY w.{anchor}
