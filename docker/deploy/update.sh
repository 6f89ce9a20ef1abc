# From the version that runs to the one in this folder, and back if that fails.
# shellcheck shell=bash enable=all disable=SC2250,SC2310,SC2312

update_command() {
    alone_at_work
    check_docker
    choose_environment
    need_settings
    find_gpu
    prepare
    make_backup
    local version services=()
    version=$(tables_version) || version=''
    read -r -a services <<< "$(own_services)"
    # From here on Ctrl-C ends the step that runs, and that step's failure is handled.
    trap : INT TERM
    keep_images
    build_new
    if ! (bring_up); then roll_back "$version"; fi
    good "$ENVIRONMENT runs in its new version"
    plain "The version before is kept as images tagged :previous, its data in $BACKUPS/$STAMP"
}

tables_version() { # of the database; it grows when a new program starts
    # shellcheck disable=SC2016 # the container's variables
    compose exec -T postgres sh -c 'PGPASSWORD=$POSTGRES_PASSWORD exec psql --username "$POSTGRES_USER" \
        --dbname "$POSTGRES_DB" --no-align --tuples-only \
        --command "select max(version) from schema_migrations"' < /dev/null
}

keep_images() { # those in use, which need not be the latest
    local service image used
    for service in "${services[@]}"; do
        image=$(image_of "$service")
        used=$(docker inspect --type container --format '{{.Image}}' "face-rec-$service" 2> /dev/null) ||
            used=$image:latest
        docker image tag "$used" "$image:previous" ||
            fail "The image of $service could not be kept; nothing was changed" \
                "./deploy.sh $ENVIRONMENT builds what is missing"
    done
}

put_images_back() {
    local service image
    for service in "${services[@]}"; do
        image=$(image_of "$service")
        docker image tag "$image:previous" "$image:latest" || return 1
    done
}

build_new() {
    step 'Building the new version'
    compose build --pull && return 0
    put_images_back || warn 'The images of the version before could not be put back'
    fail 'The new version could not be built; nothing was changed, the service runs on' \
        'The lines above say where it broke off'
}

roll_back() { # VERSION OF THE TABLES BEFORE
    warn 'The new version does not run: going back to the one before'
    if (go_back "$1"); then
        error 'The update failed and was rolled back: the version before runs again'
        hint 'The lines above say what failed. The files in this folder are still the new ones.'
        exit 1
    fi
    tell_what_is_left
    exit 1
}

go_back() { # VERSION OF THE TABLES BEFORE
    compose stop "${services[@]}" || fail 'The services could not be stopped'
    put_images_back || fail 'The images of the version before could not be put back'
    local version
    version=$(tables_version) || version=''
    if [[ -n $version && $version = "$1" ]]; then
        note 'the tables are those of the version before: nothing has to be restored'
    else
        step 'Restoring the backup: the version before cannot read newer tables'
        read_new_backup
        run_restore || fail 'The restore failed'
    fi
    start_databases
    start_services
    wait_for_health
}

read_new_backup() { # run_restore wants the folders of one backup
    BACKUPS=$BACKUPS/$STAMP KEYS=$KEYS/$STAMP
}

tell_what_is_left() {
    local service image
    error 'The update failed, and so did going back. Nothing is lost: the backup made before is'
    hint "$BACKUPS/$STAMP, its keys are $KEYS/$STAMP" 'What is left to do:'
    hint "  ./deploy.sh doctor                # what is wrong here?"
    for service in "${services[@]}"; do
        image=$(image_of "$service")
        hint "  docker image tag $image:previous $image:latest"
    done
    hint "  ./deploy.sh restore '$BACKUPS/$STAMP' $ENVIRONMENT --keys '$KEYS/$STAMP'"
}
