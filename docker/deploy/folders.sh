# The folders of backups. In the container the service is user 1000, who has to write and read there;
# whoever calls this script may be another user. So what is done inside is done as that user.
# shellcheck shell=bash enable=all disable=SC2250,SC2310,SC2312

# An image that is there anyway, for a shell and small tools.
readonly TOOLS=postgres:15-alpine

mountable() { # PATH: sets FOLDER to its absolute path
    FOLDER=$(realpath --canonicalize-missing -- "$1") || fail "$1 is no path"
    [[ $FOLDER != *:* ]] || fail "$FOLDER has a colon in it" 'Docker cannot mount such a folder: name another'
}

in_folders() { # USER COMMAND...: sees BACKUPS and KEYS, at the same paths as here
    docker run --rm --network none --user "$1" --volume "$BACKUPS:$BACKUPS" --volume "$KEYS:$KEYS" \
        "$TOOLS" "${@:2}"
}

find_folders() { # [FOLDER OF BACKUPS]: sets BACKUPS and KEYS
    local backups keys
    backups=$(setting BACKUP_DIRECTORY ./backups) || exit 1
    keys=$(setting BACKUP_KEYS_DIRECTORY ./backup-keys) || exit 1
    mountable "${1:-$backups}"
    BACKUPS=$FOLDER
    mountable "$keys"
    KEYS=$FOLDER
    [[ $BACKUPS != "$KEYS" ]] || fail "$BACKUPS would hold the backups and what opens them" \
        "Set BACKUP_KEYS_DIRECTORY in $ENV_FILE to another folder"
}

make_writable() {
    mkdir -p -- "$BACKUPS" "$KEYS" || fail 'These folders could not be made' "$BACKUPS" "$KEYS"
    local folder
    for folder in "$BACKUPS" "$KEYS"; do
        if in_folders 1000:1000 test -w "$folder"; then continue; fi
        in_folders 0:0 chown 1000:1000 "$folder" || fail "User 1000 may not write in $folder" \
            "sudo chown 1000:1000 '$folder'"
        note "$folder now belongs to user 1000, as whom the service runs in its container"
    done
}

make_readable() { # FOLDER...
    local folder
    for folder in "$@"; do
        if in_folders 1000:1000 ls "$folder" > /dev/null 2>&1; then continue; fi
        in_folders 0:0 chown -R 1000:1000 "$folder" || fail "User 1000 may not read $folder" \
            "sudo chown -R 1000:1000 '$folder'"
        note "$folder now belongs to user 1000, as whom the service runs in its container"
    done
}

complete_backups() { # names of ours in BACKUPS, newest first; a name alone makes no backup
    local found
    found=$(in_folders 1000:1000 find "$BACKUPS" -mindepth 2 -maxdepth 2 -type f -name manifest.json) ||
        return 1
    while IFS= read -r found; do
        found=${found%/manifest.json}
        found=${found##*/}
        if [[ $found =~ ^[0-9]{8}_[0-9]{6}$ ]]; then printf '%s\n' "$found"; fi
    done <<< "$found" | sort -r
}
