#!/usr/bin/env bats
# deploy.sh restore
# shellcheck disable=SC2016 # a passphrase that must not be expanded

load deploy.bash

readonly STAMP=20260131_030000

backup_here() { # [FOLDER OF KEYS]
    mkdir -p "backups/$STAMP" "${1:-backup-keys/$STAMP}"
    touch "backups/$STAMP/manifest.json" "${1:-backup-keys/$STAMP}/keys.age"
}

# Every image is there.
images() { printf '%s\n' faceapi-{backend,frontend,frontend-dev,nginx} faceapi-backend-gpu > "$FAKE/images"; }

steps() { changes | grep -v 'postgres:15-alpine' | tr -d "'"; }

readonly RESTORE="run --rm --no-deps -T --volume ROOT/backups/STAMP:/backups/STAMP:ro --volume ROOT/backup-keys/STAMP:/keys/STAMP:ro backend faceapi restore /backups/STAMP --keys /keys/STAMP --replace"

@test "where it runs: databases, backend away, restore, everything again" {
    set_running prod && images && backup_here
    deploy restore "backups/$STAMP" --yes
    expect 0 "restored from $PROJECT/backups/$STAMP"
    same "prod: up --detach --wait --wait-timeout 300 postgres etcd minio standalone
prod: stop backend
prod: $RESTORE
prod: up --detach --wait --wait-timeout 300 postgres etcd minio standalone
prod: run --rm --no-deps -T backend faceapi models pull opencv-zoo
prod: up --detach --wait --wait-timeout 600 --remove-orphans" "$(steps)"
    [[ ! -s $FAKE/passphrase ]] # it is the one in the settings
}

@test "it asks, and without a terminal refuses" {
    set_running prod && images && backup_here
    deploy restore "backups/$STAMP"
    expect 1 'All people, cameras and users of prod are replaced' '--yes says yes'
    deploy_on_terminal restore "backups/$STAMP" <<< no
    expect 1 'nothing was done'
    same '' "$(steps)"
    deploy_on_terminal restore "backups/$STAMP" <<< yes
    expect 0 'restored from'
}

@test "what is no backup, or has no keys, is refused before anything is touched" {
    set_running prod && images
    deploy restore nowhere --yes
    expect 1 'nowhere is no folder'
    mkdir -p backups
    deploy restore backups --yes
    expect 1 'which would open' '--keys FOLDER'
    mkdir -p backup-keys/backups
    deploy restore backups --yes
    expect 1 'it has no manifest.json' 'not the folder of all'
    backup_here
    rm "backup-keys/$STAMP/keys.age"
    deploy restore "backups/$STAMP" --yes
    expect 1 'has no keys.age'
    same '' "$(steps)"
}

@test "keys may be elsewhere, as the caller sees it" {
    set_running prod && images && backup_here "$BATS_TEST_TMPDIR/usb stick/k"
    cd "$BATS_TEST_TMPDIR/usb stick"
    deploy restore "$PROJECT/backups/$STAMP" --keys k --yes
    expect 0
    [[ $(steps) = *"$BATS_TEST_TMPDIR/usb stick/k:/keys/STAMP:ro"* ]]
}

@test "folders that user 1000 may not read are given to her" {
    set_running prod && images && backup_here
    touch "$FAKE/unreadable"
    deploy restore "backups/$STAMP" --yes
    expect 0 "backups/$STAMP now belongs to user 1000"
    [[ $(changes) = *"--user 0:0 "*"chown -R 1000:1000 "* ]]
}

@test "a restore that fails changes nothing, and what ran runs again" {
    set_running prod && images && backup_here
    make_fail 'faceapi restore'
    deploy restore "backups/$STAMP" --yes
    expect 1 'The restore failed, and nothing was changed' '--ask-passphrase'
    [[ $(steps | tail -n 1) = 'prod: up --detach --wait --wait-timeout 600 backend' ]]
    grep -q 'face-rec-backend.Up' "$FAKE/containers"
}

@test "a restore that fails where nothing ran begins nothing" {
    set_up prod && images && backup_here
    make_fail 'faceapi restore'
    deploy restore "backups/$STAMP" --yes
    expect 1 'nothing was changed'
    [[ $(steps | tail -n 1) = *'faceapi restore'* ]]
}

@test "a step that fails ends it there" {
    images && backup_here
    local what table=('postgres etcd|The databases did not start|1' ' stop backend|nothing was changed|2'
        'models pull|could not be fetched|5' 'remove-orphans|Not every service became well|6')
    for what in "${table[@]}"; do
        : > "$FAKE/containers"
        set_running prod
        make_fail "${what%%|*}"
        : > "$FAKE/calls"
        deploy restore "backups/$STAMP" --yes
        what=${what#*|}
        expect 1 "${what%|*}"
        [[ $(steps | wc -l) -eq ${what#*|} ]]
    done
}

@test "on a new host it makes settings, builds, and takes the old host's passphrase from standard input" {
    backup_here
    run "$PROJECT/deploy.sh" restore "backups/$STAMP" prod --yes <<< 'old "passphrase" $HOME'
    expect 0 'made .env.prod' 'BACKUP_PASSPHRASE: write it down' 'Backups of the old host still open with the old passphrase'
    # Only the restore gets it: the service goes on with the one in its settings.
    [[ $(cat "$FAKE/passphrase") = 'old "passphrase" $HOME' && -z $(cat "$FAKE/passphrase_up") ]]
    [[ $(steps | head -n 1) = 'prod: build' ]]
    refute_said 'old "passphrase"'
    [[ $(cat "$FAKE/calls") != *'old "passphrase"'* ]]
}

@test "a typed passphrase is not shown; the environment's is taken; none is refused" {
    backup_here && images
    run python3 "$BATS_TEST_DIRNAME/type_hidden.py" 'typed one' "$PROJECT/deploy.sh" restore "backups/$STAMP" prod --yes
    expect 0 'Passphrase of the backup (not shown):'
    refute_said 'typed one'
    [[ $(cat "$FAKE/passphrase") = 'typed one' ]]
    BACKUP_PASSPHRASE='from outside' deploy restore "backups/$STAMP" prod --yes --ask-passphrase
    expect 0
    [[ $(cat "$FAKE/passphrase") = 'from outside' ]]
    deploy restore "backups/$STAMP" prod --yes --ask-passphrase
    expect 1 'Without the passphrase under which the backup was made nothing opens it'
}

@test "where nothing is set up the environment has to be said" {
    backup_here
    deploy restore "backups/$STAMP" --yes
    expect 2 'say dev or prod'
    [[ ! -e .env.prod && ! -e .env.dev ]]
}

@test "with a GPU on a new host" {
    backup_here
    run "$PROJECT/deploy.sh" restore "backups/$STAMP" prod --gpu --yes <<< x
    expect 0
    [[ $(steps) = *"prod+gpu: $RESTORE"* ]]
}
