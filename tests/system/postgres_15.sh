#!/usr/bin/env bash
# Runs tests against Debian's PostgreSQL 15: a server of its own, in a temporary folder, on
# 127.0.0.1 and a free port. PostgreSQL refuses to be root: root's runs as the user postgres.
#   tests/system/postgres_15.sh PYTHON TESTS...   PYTHON has faceapi and pytest
set -euo pipefail

python=$1
programs=/usr/lib/postgresql/15/bin
work=$(mktemp -d)

as_other() { # COMMAND...: as the server's user
    if [ "$(id -u)" -eq 0 ]; then
        setpriv --reuid postgres --regid postgres --init-groups "$@"
    else
        "$@"
    fi
}

# shellcheck disable=SC2317,SC2329 # the trap calls it
stop() {
    if [ -f "$work/data/postmaster.pid" ]; then
        as_other "$programs/pg_ctl" stop --silent --mode fast --pgdata "$work/data"
    fi
    rm -rf "$work"
}
trap stop EXIT

free_port() {
    "$python" -c 'import socket; print(socket.create_server(("127.0.0.1", 0)).getsockname()[1])'
}

SQL_HOST=127.0.0.1 SQL_USERNAME=faceapi
SQL_PORT=$(free_port)
SQL_PASSWORD=$(od -An -N16 -tx1 /dev/urandom | tr -d ' \n')
export SQL_HOST SQL_PORT SQL_USERNAME SQL_PASSWORD

printf '%s' "$SQL_PASSWORD" >"$work/password"
if [ "$(id -u)" -eq 0 ]; then chown -R postgres: "$work"; fi
cd "$work" # a folder that the other user may enter
as_other env LC_ALL=C.UTF-8 "$programs/initdb" --pgdata "$work/data" --username "$SQL_USERNAME" \
    --pwfile "$work/password" --auth scram-sha-256 --encoding UTF8 --no-sync --no-instructions \
    >"$work/initdb.log"
cd "$OLDPWD"
as_other env LC_ALL=C.UTF-8 "$programs/pg_ctl" start --silent --wait --pgdata "$work/data" \
    --log "$work/server.log" \
    --options "-h $SQL_HOST -p $SQL_PORT -k $work -c fsync=off -c log_checkpoints=off" ||
    { tail -n 20 "$work/server.log" && exit 1; }

status=0
"$python" -m pytest -m "not soak and not milvus_server" "${@:2}" || status=$?
[ "$status" -eq 0 ] || tail -n 40 "$work/server.log"
exit "$status"
