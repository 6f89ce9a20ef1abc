#!/usr/bin/env bats
# deploy.sh backup
# shellcheck disable=SC2012,SC2016,SC2153,SC2154 # plain names; texts that must not be expanded; from deploy.bash

load deploy.bash

readonly RUN="run --rm --no-deps -T --volume ROOT/backups:/backups --volume ROOT/backup-keys:/keys backend faceapi backup /backups/STAMP --keys /keys/STAMP"
readonly TOOL="run --rm --network none --user 1000:1000 --volume ROOT/backups:ROOT/backups --volume ROOT/backup-keys:ROOT/backup-keys postgres:15-alpine"

backup_of() { # STAMP [FOLDER]: a complete one, with its keys
    mkdir -p "${2:-backups}/$1" "backup-keys/$1"
    touch "${2:-backups}/$1/manifest.json" "backup-keys/$1/keys.age"
}

plain_calls() { changes | tr -d "'"; }

@test "a backup is made while the service runs, its settings beside its keys" {
    set_running prod
    deploy backup
    expect 0 "in $PROJECT/backups/" "what opens it is in $PROJECT/backup-keys/" 'in another place'
    same "$TOOL test -w ROOT/backups
$TOOL test -w ROOT/backup-keys
prod: $RUN --with .env.prod=/dev/stdin
$TOOL du -sh ROOT/backups/STAMP
$TOOL find ROOT/backups -mindepth 2 -maxdepth 2 -type f -name manifest.json" "$(plain_calls)"
    [[ $(ls backups) =~ ^[0-9]{8}_[0-9]{6}$ && $(ls backups) = "$(ls backup-keys)" ]]
    cmp .env.prod backup-keys/*/keys.age
}

@test "the environment is the one that runs, else the one that is set up, else it must be said" {
    deploy backup
    expect 2 'Nothing is set up here: say dev or prod'
    set_up dev
    deploy backup
    expect 0 'Backing dev up'
    set_up prod
    deploy backup
    expect 2 'Both dev and prod are set up here: say which'
    container faceapi-prod postgres face-rec-postgres 'Up 2 hours'
    sed -i /faceapi-dev/d "$FAKE/containers"
    until_another_second
    deploy backup
    expect 0 'Backing prod up'
    until_another_second
    deploy backup dev
    expect 0 'Backing dev up'
}

until_another_second() { # two backups of one second would have one name
    local before
    before=$(date +%s)
    until [[ $(date +%s) != "$before" ]]; do :; done
}

@test "where the database does not run it is begun for the backup, and ended" {
    set_up prod
    deploy backup
    expect 0
    [[ $(plain_calls | grep '^prod:') = "prod: up --detach --wait --wait-timeout 300 postgres
prod: $RUN --with .env.prod=/dev/stdin
prod: stop postgres" ]]
}

@test "what runs with a GPU is backed up by its own image" {
    set_running prod -gpu
    deploy backup
    expect 0
    [[ $(plain_calls) = *"prod+gpu: $RUN"* ]]
}

@test "a folder is meant as the caller sees it; settings name theirs from the project's folder" {
    set_running prod
    printf 'BACKUP_KEYS_DIRECTORY=./my keys\n' >> .env.prod
    mkdir "$BATS_TEST_TMPDIR/else where"
    cd "$BATS_TEST_TMPDIR/else where"
    deploy backup 'some disk' prod
    expect 0 "in $BATS_TEST_TMPDIR/else where/some disk/" "in $PROJECT/my keys/"
    [[ -e $(echo "$BATS_TEST_TMPDIR/else where/some disk/"*/manifest.json) ]]
    [[ -e $(echo "$PROJECT/my keys/"*/keys.age) && ! -e $PROJECT/backups ]]
}

@test "a folder in which user 1000 may not write is given to her, and that is said" {
    set_running prod
    touch "$FAKE/unwritable"
    deploy backup
    expect 0 "$PROJECT/backups now belongs to user 1000" "$PROJECT/backup-keys now belongs to user 1000"
    [[ $(plain_calls) = *'--user 0:0 '*' chown 1000:1000 ROOT/backups'* ]]
    make_fail chown
    deploy backup
    expect 1 'User 1000 may not write' 'sudo chown 1000:1000'
}

@test "backups and keys in one folder, or in one that Docker cannot mount, are refused" {
    set_running prod
    printf 'BACKUP_KEYS_DIRECTORY=./backups\n' >> .env.prod
    deploy backup
    expect 1 'would hold the backups and what opens them'
    deploy backup a:b
    expect 1 'has a colon in it'
    same '' "$(changes)"
}

@test "a backup that fails removes nothing, says so, and begins nothing more" {
    set_running prod
    sed -i 's/^BACKUP_KEEP=.*/BACKUP_KEEP=1/' .env.prod
    backup_of 20200101_000000
    backup_of 20200102_000000
    make_fail 'faceapi backup'
    deploy backup
    expect 1 'The backup failed; older ones are untouched'
    [[ $(ls backups | wc -l) -eq 2 && $(plain_calls | tail -n 1) = *'faceapi backup'* ]]
}

@test "a backup of which nothing is on the disk is none" {
    set_running prod
    make_fail ' du '
    deploy backup
    expect 1 'is not there'
}

@test "the newest are kept, both halves of the others go, what is not ours stays" {
    set_running prod
    sed -i 's/^BACKUP_KEEP=.*/BACKUP_KEEP=3/' .env.prod
    local stamp
    for stamp in 20200101_000000 20200102_000000 20200103_000000 20200104_000000; do backup_of "$stamp"; done
    mkdir -p backups/{20200105_000000,20200101_000000.part,notes,20200101_0000000,x20200101_000000,20200101-000000}
    touch backups/{notes,20200101_000000.part,20200101_0000000,x20200101_000000,20200101-000000}/manifest.json
    mkdir -p outside backup-keys/notes && touch outside/manifest.json
    ln -s ../outside backups/20200101_111111
    deploy backup prod
    expect 0 'removed 2 old (BACKUP_KEEP is 3): 20200102_000000 20200101_000000'
    [[ ! -e backups/20200101_000000 && ! -e backup-keys/20200101_000000 && ! -e backup-keys/20200102_000000 ]]
    [[ -e backups/20200103_000000 && -e backup-keys/20200103_000000 && -e backups/20200104_000000 ]]
    # No manifest: not complete, and perhaps being written.
    [[ -e backups/20200105_000000 && -e outside/manifest.json && -e backup-keys/notes ]]
    [[ $(ls backups | wc -l) -eq 10 ]]
}

@test "14 are kept where nothing is said; 0 or nothing keeps all" {
    set_running prod
    local n keep
    for n in $(seq -w 1 19); do backup_of "202001${n}_000000"; done
    sed -i /^BACKUP_KEEP/d .env.prod
    for keep in '=0' '=' '=020' ''; do
        sed -i /^BACKUP_KEEP/d .env.prod
        [[ -z $keep ]] || echo "BACKUP_KEEP$keep" >> .env.prod
        until_another_second
        deploy backup
        expect 0
        case $keep in
            =0) n=20 ;; '=') n=21 ;; =020) n=20 ;; '') n=14 ;;
        esac
        [[ $(ls backups | wc -l) -eq $n && $(ls backup-keys | wc -l) -eq $n ]]
    done
}

@test "a BACKUP_KEEP that is no number is refused before anything is done" {
    set_running prod
    local keep
    for keep in many -1 1.5 '$(touch gotcha)' 'a[0]' 12345678901234567890; do
        sed -i /^BACKUP_KEEP/d .env.prod
        printf "BACKUP_KEEP='%s'\n" "$keep" >> .env.prod
        deploy backup
        expect 1 'BACKUP_KEEP in .env.prod is no number'
    done
    same '' "$(changes)"
    [[ ! -e gotcha && ! -e backups ]]
}

@test "neither the passphrase nor anything of the settings is said or given as an argument" {
    deploy prod
    run bash -x "$PROJECT/deploy.sh" backup prod < /dev/null
    expect 0
    local secret count=0
    while read -r secret; do
        refute_said "$secret"
        [[ $(cat "$FAKE/calls") != *"$secret"* ]]
        count=$((count + 1))
    done < <(grep -oE "$SECRET" .env.prod)
    [[ $count -eq 4 ]]
}
