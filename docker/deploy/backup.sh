# Backups: the truth in one folder, what opens it in another, under one stamp.
# shellcheck shell=bash enable=all disable=SC2250,SC2310,SC2312

backup_command() { # [FOLDER]
    alone_at_work
    check_docker
    check_compose
    choose_environment
    need_settings
    check_settings
    find_gpu
    [[ $# -eq 0 ]] || set -- "$(from_caller "$1")"
    make_backup "$@"
    note 'keep the keys, and BACKUP_PASSPHRASE, in another place than the backups'
}

how_many_to_keep() { # 14 where nothing is said; 0 or nothing: all
    find_setting BACKUP_KEEP || VALUE=14
    [[ ${VALUE:=0} =~ ^[0-9]{1,6}$ ]] || fail "BACKUP_KEEP in $ENV_FILE is no number" \
        'It says how many of the newest backups are kept; 0 keeps all'
    KEEP=$((10#$VALUE))
}

make_backup() { # [FOLDER]: sets STAMP, BACKUPS and KEYS
    how_many_to_keep
    find_folders "$@"
    make_writable
    STAMP=$(date +%Y%m%d_%H%M%S) || fail 'date failed'
    step "Backing $ENVIRONMENT up"
    local begun=false
    if ! runs_service postgres; then
        begun=true
        compose up --detach --wait --wait-timeout 300 postgres || blame 'The database did not start'
    fi
    run_backup || fail 'The backup failed; older ones are untouched' \
        'The lines above say why' "./deploy.sh logs $ENVIRONMENT postgres"
    [[ $begun = false ]] || compose stop postgres || warn 'The database, begun for this, still runs'
    tell_backup
    remove_old_backups
}

runs_service() { # SERVICE
    local found
    found=$(compose ps --quiet --status running "$1") || return 1
    [[ -n $found ]]
}

run_backup() {
    compose run --rm --no-deps -T --volume "$BACKUPS:/backups" --volume "$KEYS:/keys" backend \
        faceapi backup "/backups/$STAMP" --keys "/keys/$STAMP" --with "$ENV_FILE=/dev/stdin" < "$ENV_FILE"
}

tell_backup() {
    local size
    size=$(in_folders 1000:1000 du -sh "$BACKUPS/$STAMP") ||
        fail "$BACKUPS/$STAMP is not there" 'The backup said it was made; is the folder mounted elsewhere?'
    good "${size%%[[:space:]]*} in $BACKUPS/$STAMP"
    good "what opens it is in $KEYS/$STAMP"
}

remove_old_backups() { # both halves; what is not named by our stamp is not ours
    ((KEEP > 0)) || return 0
    local found stamp halves=() stamps=()
    found=$(complete_backups) || fail "The backups in $BACKUPS could not be counted; none was removed"
    mapfile -t stamps <<< "$found"
    for stamp in "${stamps[@]:KEEP}"; do
        halves+=("$BACKUPS/$stamp" "$KEYS/$stamp")
    done
    [[ ${#halves[@]} -gt 0 ]] || return 0
    in_folders 1000:1000 rm -rf -- "${halves[@]}" ||
        fail "Old backups in $BACKUPS could not be removed; the new one is good"
    note "removed $((${#halves[@]} / 2)) old (BACKUP_KEEP is $KEEP): ${stamps[*]:KEEP}"
}
