-- name: describe
-- What a schema holds, one line a thing, in words that PostgreSQL 15 and 18 share.
WITH here AS (
    SELECT n.oid, n.nspowner, n.nspacl FROM pg_namespace n WHERE n.nspname = $1
), tables AS (
    SELECT c.oid, c.relname, c.relkind, c.relpersistence, c.relrowsecurity, c.relforcerowsecurity, c.relowner, c.relacl
    FROM pg_class c JOIN here ON c.relnamespace = here.oid
    WHERE c.relkind IN ('r', 'v', 'p', 'S')
), lines (place, kind, name, line) AS (
    SELECT '', 0, '', 'schema, owned by ' || pg_get_userbyid(nspowner) FROM here
    UNION ALL
    SELECT '', 1, '', 'grant ' || a.privilege_type || ' to ' || pg_get_userbyid(a.grantee)
    FROM here, aclexplode(here.nspacl) a WHERE a.grantee <> here.nspowner
    UNION ALL
    SELECT '', 2, p.proname, 'function ' || p.oid::regprocedure || ' returns ' || format_type(p.prorettype, NULL) || ' '
        || p.provolatile::text || ' ' || p.proparallel::text || CASE WHEN p.prosecdef THEN ' definer' ELSE '' END
        || ': ' || regexp_replace(btrim(coalesce(pg_get_function_sqlbody(p.oid), p.prosrc)), '\s+', ' ', 'g')
    FROM pg_proc p JOIN here ON p.pronamespace = here.oid
    UNION ALL
    SELECT t.relname, 10, '', CASE t.relkind WHEN 'S' THEN 'sequence ' WHEN 'v' THEN 'view ' ELSE 'table ' END || t.relname
        || CASE t.relpersistence WHEN 'u' THEN ', unlogged' ELSE '' END
        || CASE WHEN t.relrowsecurity THEN ', row security' ELSE '' END
        || CASE WHEN t.relforcerowsecurity THEN ', forced' ELSE '' END || ', owned by ' || pg_get_userbyid(t.relowner)
    FROM tables t
    UNION ALL
    SELECT t.relname, 11, to_char(row_number() OVER (PARTITION BY t.oid ORDER BY a.attnum), 'FM0000'),
        'column ' || a.attname || ' ' || format_type(a.atttypid, a.atttypmod)
        || coalesce(' collate ' || quote_ident(l.collname), '') || CASE WHEN a.attnotnull THEN ' not null' ELSE '' END
        || coalesce(' default ' || pg_get_expr(d.adbin, d.adrelid), '')
    FROM tables t
    JOIN pg_attribute a ON a.attrelid = t.oid AND a.attnum > 0 AND NOT a.attisdropped AND t.relkind <> 'S'
    JOIN pg_type y ON y.oid = a.atttypid
    LEFT JOIN pg_collation l ON l.oid = a.attcollation AND a.attcollation <> y.typcollation
    LEFT JOIN pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
    UNION ALL
    -- PostgreSQL 18 keeps "not null" here too; the columns tell it already.
    SELECT t.relname, 12, c.conname, 'constraint ' || c.conname || ' ' || pg_get_constraintdef(c.oid)
    FROM tables t JOIN pg_constraint c ON c.conrelid = t.oid AND c.contype <> 'n'
    UNION ALL
    SELECT t.relname, 13, i.relname, pg_get_indexdef(x.indexrelid)
    FROM tables t JOIN pg_index x ON x.indrelid = t.oid JOIN pg_class i ON i.oid = x.indexrelid
    UNION ALL
    SELECT t.relname, 14, g.tgname, pg_get_triggerdef(g.oid)
    FROM tables t JOIN pg_trigger g ON g.tgrelid = t.oid AND NOT g.tgisinternal
    UNION ALL
    SELECT t.relname, 15, p.polname, 'policy ' || p.polname || ' for ' || p.polcmd::text || ' to '
        || (SELECT string_agg(pg_get_userbyid(r), ', ' ORDER BY pg_get_userbyid(r)) FROM unnest(p.polroles) r)
        || coalesce(' using ' || pg_get_expr(p.polqual, p.polrelid), '')
        || coalesce(' check ' || pg_get_expr(p.polwithcheck, p.polrelid), '')
    FROM tables t JOIN pg_policy p ON p.polrelid = t.oid
    UNION ALL
    SELECT t.relname, 16, pg_get_userbyid(a.grantee) || a.privilege_type,
        'grant ' || a.privilege_type || ' to ' || pg_get_userbyid(a.grantee)
    FROM tables t, aclexplode(t.relacl) a WHERE a.grantee <> t.relowner
    UNION ALL
    SELECT t.relname, 17, pg_get_userbyid(x.grantee) || x.privilege_type || a.attname,
        'grant ' || x.privilege_type || ' (' || a.attname || ') to ' || pg_get_userbyid(x.grantee)
    FROM tables t JOIN pg_attribute a ON a.attrelid = t.oid AND NOT a.attisdropped, aclexplode(a.attacl) x
    UNION ALL
    SELECT t.relname, 18, to_char(d.objsubid, 'FM0000'),
        'comment' || coalesce(' on ' || a.attname, '') || ': ' || d.description
    FROM tables t JOIN pg_description d ON d.objoid = t.oid AND d.classoid = 'pg_class'::regclass
    LEFT JOIN pg_attribute a ON a.attrelid = t.oid AND a.attnum = d.objsubid AND d.objsubid > 0
)
SELECT CASE WHEN kind = 10 THEN E'\n' ELSE '' END || CASE WHEN kind > 10 THEN '    ' ELSE '' END || line AS line
FROM lines
ORDER BY place COLLATE "C", kind, name COLLATE "C", line COLLATE "C"
