# What the tests of deploy.sh share: a project of its own with small templates, at a path with a space,
# and stand-ins for all that would reach outside.
# shellcheck shell=bash
# shellcheck disable=SC2034,SC2154 # for the tests, and from bats

bats_require_minimum_version 1.5.0

readonly SECRET='[0-9a-f]{40}'

setup() {
    local here
    here=$(cd "$BATS_TEST_DIRNAME/../.." && pwd)
    PROJECT="$BATS_TEST_TMPDIR/a project"
    FAKE="$BATS_TEST_TMPDIR/fake"
    export FAKE
    mkdir -p "$PROJECT/docker" "$FAKE"
    cp "$here/deploy.sh" "$PROJECT/"
    cp -r "$here/docker/deploy" "$PROJECT/docker/"
    templates
    touch "$FAKE"/{calls,curls,ports,containers,images,volumes,sleeps,fail}
    printf '%s\n' 1 1 1 > "$FAKE/versions"
    echo 200 > "$FAKE/health"
    echo 100 > "$FAKE/free"
    echo '{"status": "well", "parts": {"database": {"status": "well", "detail": ""}}}' > "$FAKE/health.json"
    clean_environment
    PATH="$BATS_TEST_DIRNAME/fake:$PATH"
    cd "$PROJECT" || return 1
}

clean_environment() { # whose settings the tests must not see
    local name
    for name in $(compgen -e); do
        case $name in
            *_PORT | BACKUP_* | COMPOSE_* | DOMAIN_NAME | MODEL_* | DOCKER_* | CERTIFICATES_* | API_*) unset "$name" ;;
        esac
    done
    export TERM=xterm
    unset NO_COLOR
}

templates() {
    cat > "$PROJECT/.env.prod.example" << 'END'
# your_comment_here stays
SQL_PASSWORD=your_secure_db_password_here
MILVUS_DB_PASSWORD=your_milvus_password_here
JWT_SECRET_KEY=your_jwt_secure_secret_key_here
MODEL_PACK=opencv-zoo
BACKEND_CPU_LIMIT=1.0
HOST_PORT=8080
HTTPS_PORT=8443
DOMAIN_NAME=
COMPOSE_PROFILES=
BACKUP_PASSPHRASE=your_backup_passphrase_here
BACKUP_KEEP=14
END
    cat > "$PROJECT/.env.dev.example" << 'END'
SQL_PASSWORD=your_secure_db_password_here
MODEL_PACK=opencv-zoo
BACKEND_CPU_LIMIT=1.0
BACKEND_DEV_PORT=6874
FRONTEND_DEV_PORT=3000
COMPOSE_PROFILES=
BACKUP_PASSPHRASE=your_backup_passphrase_here
END
}

deploy() { # ARGUMENT...: without a terminal
    run "$PROJECT/deploy.sh" "$@" < /dev/null
}

deploy_on_terminal() { # ARGUMENT...: what is typed comes on standard input
    local line
    printf -v line '%q ' "$PROJECT/deploy.sh" "$@"
    # exec: a shell that waits in between (dash does) would die of the Ctrl-C that deploy.sh handles
    run script --quiet --return --command "exec $line" /dev/null
}

settings_of() { # ENVIRONMENT LINE...: as if made before
    (umask 077 && printf '%s\n' "${@:2}" > "$PROJECT/.env.$1")
}

set_up() { # ENVIRONMENT: the file of settings is there, complete
    sed -E 's/=your_[a-z_]+_here/=0123456789abcdef0123456789abcdef01234567/' "$PROJECT/.env.$1.example" > "$PROJECT/.env.$1"
    chmod 600 "$PROJECT/.env.$1"
}

container() { # PROJECT SERVICE NAME STATUS [IMAGE [PORTS]]
    printf '%s\t%s\t%s\t%s\t%s\t%s\n' "$1" "$2" "$3" "$4" "${5:-faceapi-$2}" "${6:-}" >> "$FAKE/containers"
}

set_running() { # ENVIRONMENT [-gpu]
    set_up "$1"
    local service
    container "faceapi-$1" postgres face-rec-postgres 'Up 2 hours (healthy)' postgres:15-alpine
    for service in backend frontend; do
        container "faceapi-$1" "$service" "face-rec-$service" 'Up 2 hours (healthy)' "faceapi-$service${2:-}"
    done
}

make_fail() { printf '%s\n' "$1" > "$FAKE/fail"; } # REGEX of calls

calls() { # all calls of docker, without what is in each of them
    local prefix="compose --project-name faceapi-(dev|prod) --project-directory '$PROJECT' --env-file .env.(dev|prod)( |.example )"
    sed -E -e "s#^$prefix-f docker/docker-compose.(dev|prod).yml -f docker/docker-compose.(dev|prod).gpu.yml #\1+gpu: #" \
        -e "s#^$prefix-f docker/docker-compose.(dev|prod).yml #\1: #" -e "s#$PROJECT#ROOT#g" \
        -e 's#[0-9]{8}_[0-9]{6}#STAMP#g' -e 's#label=com.docker.compose.##g' -e "s# --format '?\{\{.*##" "$FAKE/calls"
}

changes() { # the calls that do something; questions left out
    calls | grep -vE '^(version|info|ps|inspect|image inspect|compose version|logs --tail 20|(dev|prod)(\+gpu)?: ps|volume ls)' || true
}

expect() { # STATUS TEXT...: of the last run, each somewhere in what was said
    local text
    [[ $status -eq $1 ]] || { printf 'status %s, not %s:\n%s\n' "$status" "$1" "$output" >&2; return 1; }
    for text in "${@:2}"; do
        [[ $output = *"$text"* ]] || { printf 'not said: %s\n%s\n' "$text" "$output" >&2; return 1; }
    done
}

refute_said() { # TEXT
    [[ $output != *"$1"* ]] || { printf 'said: %s\n%s\n' "$1" "$output" >&2; return 1; }
}

same() { # EXPECTED FOUND
    diff <(printf '%s\n' "$1") <(printf '%s\n' "$2") >&2
}

path_without() { # COMMAND...: a PATH on which these are not
    local folder="$BATS_TEST_TMPDIR/bin" name
    mkdir "$folder"
    cp -s /usr/bin/* /bin/* "$folder/" 2> /dev/null || true
    ln -sf "$BATS_TEST_DIRNAME"/fake/[a-z]* "$folder/"
    for name in "$@"; do rm -f "$folder/$name"; done
    PATH=$folder
}
