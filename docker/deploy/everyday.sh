# Rebuild, logs, status, stop.
# shellcheck shell=bash enable=all disable=SC2250,SC2310,SC2312

rebuild() { # SERVICE or all
    alone_at_work
    check_docker
    check_compose
    need_settings
    check_settings
    find_gpu
    local services=()
    [[ $1 = all ]] || services=("$1")
    build_images "${services[@]}"
    if ! runs "$ENVIRONMENT"; then
        good "built; ./deploy.sh $ENVIRONMENT starts it"
        return 0
    fi
    step 'Starting what was built'
    compose up --detach --wait --wait-timeout 600 "${services[@]}" ||
        blame 'What was built did not become well'
    wait_for_health
    good "$ENVIRONMENT runs with it"
}

show_logs() { # [SERVICE]: on a terminal the newest follow as they come
    check_docker
    check_compose
    need_settings
    find_gpu
    local status=0 follow=()
    [[ ! -t 1 ]] || follow=(--follow)
    compose logs --tail 200 "${follow[@]}" "$@" || status=$?
    # Whoever has seen enough presses Ctrl-C.
    ((status == 0 || status == 130)) || fail "No logs of ${1:-$ENVIRONMENT}" \
        'docker compose said why, in the lines above' './deploy.sh status shows what runs'
}

show_status() {
    check_docker
    for ENVIRONMENT in dev prod; do
        ENV_FILE=.env.$ENVIRONMENT
        show_containers
    done
    step 'What Docker keeps on the disk'
    docker system df || fail 'docker system df failed'
    df -h -- "$ROOT" || fail "df says nothing about $ROOT"
}

show_containers() {
    local found service name status
    found=$(containers) || fail 'docker ps failed'
    step "$ENVIRONMENT"
    if [[ -z $found ]]; then
        plain 'does not run'
        return 0
    fi
    while IFS=$'\t' read -r service name status; do
        printf '    %-11s %-20s %s\n' "$service" "$name" "$status"
    done <<< "$found"
    if backend_runs; then
        step "$ENVIRONMENT, part by part"
        health | show_parts || warn 'The service gives no answer at /health'
    fi
}

stop_environment() {
    alone_at_work
    check_docker
    check_compose
    say_where_it_runs
    local options=(--remove-orphans)
    if [[ $VOLUMES = true ]]; then
        list_losses
        agreed "All this of $ENVIRONMENT will be lost."
        options+=(--volumes)
    fi
    step "Stopping $ENVIRONMENT"
    # By its name alone: so containers of every profile end, and no settings are needed.
    docker compose --project-name "faceapi-$ENVIRONMENT" down "${options[@]}" ||
        fail "$ENVIRONMENT could not be stopped" 'docker compose said why, in the lines above'
    if [[ $VOLUMES = true ]]; then remove_data_folders; fi
    good "$ENVIRONMENT is stopped"
}

say_where_it_runs() {
    local other
    other=$(other_environment)
    if runs "$ENVIRONMENT" || ! runs "$other"; then return 0; fi
    note "$ENVIRONMENT does not run, but $other does: ./deploy.sh stop $other"
}

data_folders() { # what development keeps in folders instead of volumes
    [[ $ENVIRONMENT = dev ]] || return 0
    local data name
    data=$(setting DOCKER_VOLUME_DIRECTORY ./volumes_dev) || return 1
    for name in etcd minio milvus; do
        if [[ -d $data/$name ]]; then realpath -- "$data/$name"; fi
    done
}

list_losses() {
    local volumes folders line
    volumes=$(docker volume ls --filter "label=com.docker.compose.project=faceapi-$ENVIRONMENT" \
        --format '{{.Name}}') || fail 'docker volume ls failed'
    folders=$(data_folders) || exit 1
    warn 'People, faces, cameras, users, and the keys of their templates. Only a backup brings them back.'
    while read -r line; do
        [[ -z $line ]] || hint "volume $line"
    done <<< "$volumes"
    while IFS= read -r line; do
        [[ -z $line ]] || hint "folder $line"
    done <<< "$folders"
    hint "It stays: $ENV_FILE, the backups, the images."
}

remove_data_folders() { # they belong to the databases' users, so Docker removes them
    local folder folders
    folders=$(data_folders) || exit 1
    while IFS= read -r folder; do
        [[ -n $folder ]] || continue
        docker run --rm --network none --volume "${folder%/*}:${folder%/*}" "$TOOLS" \
            rm -rf -- "$folder" || fail "$folder could not be removed" "sudo rm -r '$folder'"
    done <<< "$folders"
}
