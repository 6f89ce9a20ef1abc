#!/usr/bin/env bats
# deploy.sh update, and the way back

load deploy.bash

steps() { changes | grep -v 'postgres:15-alpine' | tr -d "'" | sed -E 's/(sh -c ).*/\1.../'; }

readonly BACKUP="prod: run --rm --no-deps -T --volume ROOT/backups:/backups --volume ROOT/backup-keys:/keys backend faceapi backup /backups/STAMP --keys /keys/STAMP --with .env.prod=/dev/stdin"
readonly BEGUN="$BACKUP
prod: exec -T postgres sh -c ...
image tag sha256:of-faceapi-backend faceapi-backend:previous
image tag sha256:of-faceapi-frontend faceapi-frontend:previous
image tag faceapi-nginx:latest faceapi-nginx:previous
prod: build --pull"
readonly UP="prod: up --detach --wait --wait-timeout 300 postgres etcd minio standalone
prod: run --rm --no-deps -T backend faceapi models pull opencv-zoo
prod: up --detach --wait --wait-timeout 600 --remove-orphans"
readonly BACK="image tag faceapi-backend:previous faceapi-backend:latest
image tag faceapi-frontend:previous faceapi-frontend:latest
image tag faceapi-nginx:previous faceapi-nginx:latest"
readonly RESTORE="prod: run --rm --no-deps -T --volume ROOT/backups/STAMP:/backups/STAMP:ro --volume ROOT/backup-keys/STAMP:/keys/STAMP:ro backend faceapi restore /backups/STAMP --keys /keys/STAMP --replace"
readonly AGAIN="prod: up --detach --wait --wait-timeout 300 postgres etcd minio standalone
prod: up --detach --wait --wait-timeout 600 --remove-orphans"

fail_new_version() { # the first start of everything fails, a later one does not
    cat > "$FAKE/docker" << 'END'
#!/usr/bin/env bash
if [[ $* = *remove-orphans* && ! -e $FAKE/failed ]]; then
    touch "$FAKE/failed"
    echo "remove-orphans" > "$FAKE/fail"
    "$FAKE/../docker-stand-in" "$@"
    status=$?
    : > "$FAKE/fail"
    exit "$status"
fi
exec "$FAKE/../docker-stand-in" "$@"
END
    chmod +x "$FAKE/docker"
    ln -s "$BATS_TEST_DIRNAME/fake/docker" "$BATS_TEST_TMPDIR/docker-stand-in"
    PATH="$FAKE:$PATH"
}

@test "a backup, the images in use kept, the new ones built and started" {
    set_running prod
    deploy update
    expect 0 'prod runs in its new version' ':previous' "$PROJECT/backups/"
    same "$BEGUN
$UP" "$(steps)"
}

@test "dev is updated with its own images, and with a GPU where one is used" {
    set_running dev -gpu
    deploy update dev
    expect 0
    [[ $(steps) = *'image tag sha256:of-faceapi-backend-gpu faceapi-backend-gpu:previous
image tag sha256:of-faceapi-frontend-gpu faceapi-frontend-dev:previous
dev+gpu: build --pull'* ]]
}

@test "without a backup there is no update" {
    set_running prod
    make_fail 'faceapi backup'
    deploy update
    expect 1 'The backup failed'
    same "$BACKUP" "$(steps)"
}

@test "an image that cannot be kept ends it before anything is changed" {
    set_running prod
    make_fail 'faceapi-frontend:previous'
    deploy update
    expect 1 'The image of frontend could not be kept; nothing was changed'
    [[ $(steps) != *build* ]]
}

@test "a build that fails changes nothing: the images are put back, the service runs on" {
    set_running prod
    make_fail 'build --pull'
    deploy update
    expect 1 'could not be built; nothing was changed, the service runs on'
    same "$BEGUN
$BACK" "$(steps)"
}

@test "a new version that changed the tables and does not run: images and backup go back" {
    set_running prod
    printf '%s\n' 4 5 > "$FAKE/versions"
    fail_new_version
    deploy update
    expect 1 'Not every service became well' 'going back to the one before' \
        'was rolled back: the version before runs again' 'still the new ones'
    same "$BEGUN
$UP
prod: stop backend frontend nginx
$BACK
prod: exec -T postgres sh -c ...
$RESTORE
$AGAIN" "$(steps)"
}

@test "where the tables are as before nothing is restored, so nothing of today is lost" {
    set_running prod
    printf '%s\n' 4 4 > "$FAKE/versions"
    fail_new_version
    deploy update
    expect 1 'nothing has to be restored' 'was rolled back'
    [[ $(steps) != *'faceapi restore'* && $(steps) = *"$AGAIN" ]]
}

@test "where nobody knows the tables' version the backup is restored" {
    set_running prod
    : > "$FAKE/versions"
    fail_new_version
    deploy update
    expect 1 'was rolled back'
    [[ $(steps) = *"$RESTORE"* ]]
}

@test "a failure at any step after the build goes back" {
    local step
    for step in 'postgres etcd minio standalone' 'models pull'; do
        : > "$FAKE/containers" && : > "$FAKE/calls"
        set_running prod
        printf '%s\n' 4 4 > "$FAKE/versions"
        make_fail "$step"
        deploy update
        expect 1 'going back to the one before'
        [[ $(steps) = *"prod: stop backend frontend nginx
$BACK"* ]]
        rm -rf backups backup-keys
    done
}

@test "unwell after its start is a failure, too" {
    set_running prod
    printf '%s\n' 4 5 > "$FAKE/versions"
    { for _ in {1..60}; do echo 503; done; echo 200; } > "$FAKE/health"
    deploy update
    expect 1 'The service is not well (/health: 503)' 'was rolled back'
    [[ $(steps) = *"$RESTORE
$AGAIN" ]]
}

@test "where going back fails as well it says where the backup is and what is left to do" {
    set_running prod
    make_fail 'remove-orphans'
    deploy update
    expect 1 'and so did going back. Nothing is lost' "$PROJECT/backups/2" \
        'docker image tag faceapi-backend:previous faceapi-backend:latest' \
        "./deploy.sh restore '$PROJECT/backups/2" "--keys '$PROJECT/backup-keys/2"
    make_fail ' stop '
    : > "$FAKE/containers"
    set_running prod
    make_fail 'models pull| stop backend'
    rm -rf backups backup-keys
    deploy update
    expect 1 'The services could not be stopped' 'and so did going back'
    refute_said 'runs in its new version'
}

@test "Ctrl-C while the new version starts goes back" {
    set_running prod
    printf '%s\n' 4 4 > "$FAKE/versions"
    ln -s "$BATS_TEST_DIRNAME/fake/docker" "$BATS_TEST_TMPDIR/docker-stand-in"
    cat > "$FAKE/docker" << 'END'
#!/usr/bin/env bash
# The first time everything is to start, whoever waits presses Ctrl-C.
if [[ $* = *remove-orphans* && ! -e $FAKE/failed ]]; then
    touch "$FAKE/failed"
    read -r _ _ _ _ group _ < /proc/$$/stat
    kill -INT -- "-$group"
    exec sleep 10
fi
exec "$FAKE/../docker-stand-in" "$@"
END
    chmod +x "$FAKE/docker"
    PATH="$FAKE:$PATH" deploy_on_terminal update
    expect 1 'going back to the one before' 'was rolled back'
}

@test "no update without settings" {
    deploy update prod
    expect 1 'There is no .env.prod'
    same '' "$(steps)"
}
