# A backup's people, in place of all that is there.
# shellcheck shell=bash enable=all disable=SC2250,SC2310,SC2312

restore_command() { # FOLDER OF ONE BACKUP
    [[ $# -eq 1 ]] || wrong_usage 'Restore what? The folder of one backup, such as backups/20260131_030000'
    alone_at_work
    need_commands openssl curl
    check_docker
    choose_environment
    find_gpu
    prepare
    find_backup "$(from_caller "$1")"
    agreed "All people, cameras and users of $ENVIRONMENT are replaced by those of $BACKUP."
    ask_passphrase
    build_what_is_missing
    start_databases
    restore_and_start
    good "restored from $BACKUP; sign in with the users and passwords of that time"
    [[ $MADE = false ]] || tell_new_host
}

find_backup() { # FOLDER: sets BACKUP, BACKUP_KEYS, STAMP
    mountable "$1"
    BACKUP=$FOLDER BACKUPS=$FOLDER STAMP=${FOLDER##*/}
    [[ -d $BACKUP ]] || fail "$BACKUP is no folder" 'Name the folder of one backup, such as backups/20260131_030000'
    local keys
    keys=${KEYS_FROM:-$(setting BACKUP_KEYS_DIRECTORY ./backup-keys)/$STAMP}
    mountable "$keys"
    KEYS=$FOLDER
    [[ -d $KEYS ]] || fail "There is no $KEYS, which would open $BACKUP" 'If the keys are elsewhere: --keys FOLDER'
    make_readable "$BACKUP" "$KEYS"
    in_folders 1000:1000 test -f "$BACKUP/manifest.json" ||
        fail "$BACKUP is no backup: it has no manifest.json" 'Name the folder of one backup, not the folder of all'
    in_folders 1000:1000 test -f "$KEYS/keys.age" ||
        fail "$KEYS has no keys.age" 'If the keys are elsewhere: --keys FOLDER'
}

ask_passphrase() { # that of the other host, where this one's is new
    local -
    set +x
    if [[ -n ${BACKUP_PASSPHRASE:-} || ($ASK = false && $MADE = false) ]]; then return 0; fi
    local typed=''
    [[ ! -t 0 ]] || printf 'Passphrase of the backup (not shown): '
    IFS= read -r -s typed || true
    [[ ! -t 0 ]] || echo
    [[ -n $typed ]] || fail 'Without the passphrase under which the backup was made nothing opens it' \
        'It is BACKUP_PASSPHRASE in the settings of the host that made it'
    export BACKUP_PASSPHRASE=$typed
}

build_what_is_missing() { # on a new host
    local service image
    for service in $(own_services); do
        image=$(image_of "$service")
        if ! is_image "$image"; then
            build_images
            return 0
        fi
    done
}

run_restore() { # one transaction: all of it or nothing
    compose run --rm --no-deps -T --volume "$BACKUPS:/backups/$STAMP:ro" --volume "$KEYS:/keys/$STAMP:ro" \
        backend faceapi restore "/backups/$STAMP" --keys "/keys/$STAMP" --replace < /dev/null
}

restore_and_start() {
    local ran=false restored=true
    if backend_runs; then ran=true; fi
    # From here on Ctrl-C ends the step that runs, and not what brings the service back.
    trap : INT TERM
    step 'Restoring'
    compose stop backend || fail 'The backend could not be stopped; nothing was changed'
    run_restore || restored=false
    unset BACKUP_PASSPHRASE # the service goes on with its own
    trap - INT TERM
    if [[ $restored = false ]]; then
        [[ $ran = false ]] || start_again
        fail 'The restore failed, and nothing was changed' \
            'The lines above say why; a passphrase of another time: --ask-passphrase'
    fi
    bring_up
}

start_again() {
    step 'Starting what was there again'
    compose up --detach --wait --wait-timeout 600 backend ||
        warn "It did not start: ./deploy.sh $ENVIRONMENT"
}

tell_new_host() {
    note "$ENV_FILE is new, and so is its BACKUP_PASSPHRASE: write it down in another place"
    plain 'Backups of the old host still open with the old passphrase (restore --ask-passphrase).'
    plain "The old host's settings are in the backup: age -d keys.age | tar x lays them out."
}
