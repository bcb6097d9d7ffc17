#!/bin/sh
# The part of the official postgres image's start that docker-compose.yml relies on: POSTGRES_PASSWORD, POSTGRES_DB.
set -eu
: "${POSTGRES_PASSWORD:?must be set, as the official image wants it}"
export PGDATA=/var/lib/postgresql/data
as_postgres() { setpriv --reuid=postgres --regid=postgres --init-groups --reset-env "$@"; }

mkdir -p "$PGDATA" /var/run/postgresql
chown postgres:postgres /var/lib/postgresql "$PGDATA" /var/run/postgresql
if [ ! -s "$PGDATA/PG_VERSION" ]; then
    secret=$(mktemp)
    printf '%s' "$POSTGRES_PASSWORD" >"$secret"
    chown postgres "$secret"
    as_postgres initdb --pgdata="$PGDATA" --username=postgres --pwfile="$secret" --encoding=UTF8 --locale=C.UTF-8 \
        --auth-local=trust --auth-host=scram-sha-256 >/dev/null
    rm "$secret"
    echo 'host all all all scram-sha-256' >>"$PGDATA/pg_hba.conf"
    # As in the official image, nobody outside is let in before the database is there.
    as_postgres pg_ctl --pgdata="$PGDATA" --options="-c listen_addresses=''" --wait start >/dev/null
    as_postgres createdb --username=postgres "${POSTGRES_DB:-postgres}"
    as_postgres pg_ctl --pgdata="$PGDATA" --mode=fast --wait stop >/dev/null
fi
exec setpriv --reuid=postgres --regid=postgres --init-groups postgres -D "$PGDATA" -c "listen_addresses=*"
