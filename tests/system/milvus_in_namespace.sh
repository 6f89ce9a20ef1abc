#!/usr/bin/env bash
# Runs the tests marked milvus_server, and those of the service that are marked gallery, against a
# real Milvus 2.3.5, which cameras search too, from two shards; needs root.
# The server listens on every interface, so it gets a network namespace of its own.
#   tests/system/milvus_in_namespace.sh [PYTHON]   PYTHON has faceapi and pytest; .venv's by default
set -euo pipefail

python=$(realpath --no-symlinks "${1:-.venv/bin/python}")

inside() { # WORK: the server and the tests, in the namespace
    local work=$1 server status=0
    ip link set lo up
    "$work/venv/bin/milvus-server" --data "$work/data" >"$work/server.log" 2>&1 &
    server=$!
    for _ in $(seq 120); do
        if (: </dev/tcp/127.0.0.1/19530) 2>/dev/null; then break; fi
        sleep 0.5
    done
    MILVUS_DB_HOST=127.0.0.1 MILVUS_DB_PORT=19530 SEARCH_EXACT_MAX_FACES=0 ENGINE_SHARDS=2 \
        "$python" -m pytest -m "milvus_server or gallery" \
        tests/pipeline/gallery tests/system/test_service.py tests/system/test_service_milvus.py || status=$?
    [ "$status" -eq 0 ] || tail -n 40 "$work/server.log"
    kill "$server" && wait "$server" || true
    return "$status"
}

if [ "${2:-}" = inside ]; then
    inside "$3"
    exit
fi

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
"$python" -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --require-hashes --no-deps -r tests/system/milvus-server.txt
unshare --net --pid --fork --mount-proc --kill-child -- "$0" "$python" inside "$work"
