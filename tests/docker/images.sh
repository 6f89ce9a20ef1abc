#!/usr/bin/env bash
# Builds the backend's real Dockerfile without a Docker engine, and runs what came out of it as compose
# does: user 1000, no capability, a root that cannot be written, a network of its own.
# As root; wants buildah and debootstrap. The base is Debian with Python: Docker's own image cannot be
# fetched everywhere.
set -euo pipefail
cd "$(dirname "$0")/../.."

IMAGE=faceapi-service

quietly() { # COMMAND...: what it says only if it fails
    local log
    log=$(mktemp)
    "$@" >"$log" 2>&1 || { tail -n 30 "$log" >&2; rm "$log"; return 1; }
    rm "$log"
}

images() { # WHAT...: buildah, with a storage that ends with this script
    command buildah --root "$FOLDER/storage" --runroot "$FOLDER/run" --storage-driver vfs "$@"
}

make_base() { # IMAGE: Debian with Python, under the name that the Dockerfile asks for
    local folder made
    folder=$(mktemp -d)
    quietly debootstrap --variant=minbase --include=python3,python3-venv,ca-certificates \
        bookworm "$folder"
    ln -s python3 "$folder/usr/bin/python"
    made=$(images from scratch)
    quietly images add "$made" "$folder" /
    images config --env PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin "$made"
    quietly images commit --rm "$made" "$1"
    rm -rf "$folder"
}

build() { # pip finds its registry as it does on this machine
    local volumes=(--volume /etc/ssl/certs:/etc/ssl/certs:ro)
    [ ! -f /etc/pip.conf ] || volumes+=(--volume /etc/pip.conf:/etc/pip.conf:ro)
    quietly images bud --isolation chroot --format docker --pull-never "${volumes[@]}" --target service \
        --file docker/backend/Dockerfile --tag "$IMAGE" .
}

# Everything from here on runs in namespaces of its own, which end with it.

open_tree() { # TREE FOLDER: read-only but for the volumes and /tmp
    local place
    mount --bind "$1" "$1"
    mount -o remount,bind,ro "$1"
    for place in var/lib/faceapi var/cache/faceapi tmp; do
        install -d -o 1000 -g 1000 -m 700 "$2/$place"
        mount --bind "$2/$place" "$1/$place"
    done
    mount -t proc proc "$1/proc"
    mount -t tmpfs -o mode=755 dev "$1/dev"
    mknod -m 666 "$1/dev/null" c 1 3
    mknod -m 666 "$1/dev/urandom" c 1 9
    mount -t tmpfs shm "$1/dev" -o remount,ro
    ip link set lo up
}

become() { # COMMAND...: in the tree, as the image's user with the image's environment
    exec chroot "$TREE" setpriv --reuid 1000 --regid 1000 --clear-groups --no-new-privs \
        --bounding-set=-all --inh-caps=-all env --ignore-environment "${ENVIRONMENT[@]}" \
        MODEL_PACK=builtin "$@"
}

inside() { # COMMAND...: the same, and come back
    (become "$@")
}

expect() { # WHAT COMMAND...
    if "${@:2}" >/dev/null 2>&1; then
        echo "  $1"
        checks=$((checks + 1))
    else
        echo "  NOT SO: $1" >&2
        return 1
    fi
}

refuse() { # COMMAND...: must fail
    ! "$@"
}

wait_for() { # SECONDS COMMAND...
    local ends=$((SECONDS + $1))
    until "${@:2}" >/dev/null 2>&1; do
        [ "$SECONDS" -lt "$ends" ] || return 1
        sleep 1
    done
}

check() { # TREE FOLDER: what the image promises
    TREE=$1
    local service password=$2/var/lib/faceapi/administrator-password
    mapfile -t ENVIRONMENT <"$2/environment"
    mapfile -t HEALTH <"$2/health"
    checks=0
    open_tree "$1" "$2"
    # shellcheck disable=SC2016 # for the shell in the tree
    expect "its user is 1000" inside sh -c '[ "$(id -u):$(id -g)" = 1000:1000 ]'
    expect "its root cannot be written" refuse inside touch /here
    expect "nor its program" refuse inside sh -c 'echo >>/opt/faceapi/bin/faceapi'
    expect "no compiler is in it" refuse inside sh -c 'command -v gcc || command -v cc'
    expect "no pip is in it" refuse inside sh -c 'ls /opt/faceapi/bin/pip*'
    expect "an own model has its place" inside sh -c '[ -L /faceapi/model.onnx ]'
    expect "the pack is made" inside faceapi models pull builtin
    expect "the doctor finds all well" inside faceapi doctor
    expect "nobody is well before it starts" refuse inside "${HEALTH[@]}"
    become faceapi 2>"$2/said" &
    service=$!
    expect "its health check is content" wait_for 120 inside "${HEALTH[@]}"
    expect "the first password is in a file" wait_for 20 test -s "$password"
    expect "which is the user's alone" test "$(stat -c %a:%u "$password")" = 600:1000
    expect "and not in the log" refuse grep --quiet --file "$password" "$2/said"
    kill "$service"
    expect "it stops when it is told to" wait "$service"
    echo "$checks passed, 0 failed"
}

main() {
    local container tree
    FOLDER=$(mktemp -d)
    trap 'rm -rf "$FOLDER"' EXIT
    chmod 711 "$FOLDER"
    make_base "docker.io/library/$(sed -n 's/^FROM \(python:[^ ]*\).*/\1/p' docker/backend/Dockerfile | head -n 1)"
    build
    container=$(images from --pull-never "$IMAGE")
    tree=$(images mount "$container")
    images inspect --format '{{range .Docker.Config.Env}}{{println .}}{{end}}' "$container" |
        grep . >"$FOLDER/environment"
    images inspect --format '{{range .Docker.Config.Healthcheck.Test}}{{println .}}{{end}}' \
        "$container" | grep . | tail -n +2 >"$FOLDER/health"
    unshare --mount --net --pid --fork --kill-child "$0" check "$tree" "$FOLDER"
}

if [ "${1:-}" = check ]; then
    check "$2" "$3"
else
    main
fi
