# The way from settings to a page that answers.
# shellcheck shell=bash enable=all disable=SC2250,SC2310,SC2312

readonly DATABASES=(postgres etcd minio standalone)
readonly PASSWORD_FILE=/var/lib/faceapi/administrator-password

prepare() { # host, settings, folders
    check_host
    make_settings
    check_settings
    check_webrtc
    check_ports
    make_folders
    good 'this machine is ready'
}

start_environment() {
    alone_at_work
    if [[ $GPU = true ]]; then check_gpu_host; fi
    prepare
    name_change_of_device
    build_images
    if [[ $GPU = true ]]; then
        check_gpu_inference
    fi
    bring_up
    greet
}

name_change_of_device() {
    local asked=$GPU
    find_gpu
    [[ $GPU = "$asked" ]] || note "so far it ran on a GPU; without --gpu it goes on without one"
    GPU=$asked
}

build_images() { # [ARGUMENT]...
    step 'Building the images; the first time takes a while'
    compose build "$@" || fail 'An image could not be built' \
        'The lines above say where it broke off; without network, or with a full disk?' \
        './deploy.sh doctor looks at this machine'
}

bring_up() {
    start_databases
    fetch_models
    start_services
    wait_for_health
}

start_databases() {
    step 'Starting the databases'
    compose up --detach --wait --wait-timeout 300 "${DATABASES[@]}" ||
        blame 'The databases did not start'
}

fetch_models() {
    local pack
    pack=$(setting MODEL_PACK opencv-zoo) || exit 1
    step "Fetching the model pack $pack"
    run_backend backend faceapi models pull "$pack" ||
        fail "The model pack $pack could not be fetched" \
            'What arrived is kept: start again when the network is there' \
            "Is MODEL_PACK in $ENV_FILE a pack that \`faceapi models list\` names?"
}

start_services() {
    step 'Starting the services'
    compose up --detach --wait --wait-timeout 600 --remove-orphans ||
        blame 'Not every service became well'
}

health() { # what the service says of itself, as JSON, the way a browser would reach it
    local domain port
    domain=$(setting DOMAIN_NAME) || return 1
    if [[ $ENVIRONMENT = dev ]]; then
        port=$(setting BACKEND_DEV_PORT 6874) || return 1
        curl --silent --noproxy '*' --max-time 8 "$@" "http://127.0.0.1:$port/health"
    elif [[ -n $domain ]] && has_certificate "$domain"; then
        port=$(setting HTTPS_PORT 443) || return 1
        # This is about the service: whether the certificate is good, the doctor says.
        curl --silent --noproxy '*' --max-time 8 --insecure --connect-to "::127.0.0.1:$port" "$@" \
            "https://$domain/health"
    else
        port=$(setting HOST_PORT 80) || return 1
        curl --silent --noproxy '*' --max-time 8 "$@" "http://127.0.0.1:$port/health"
    fi
}

certificate_folder() { # DOMAIN
    local folder
    folder=$(setting CERTIFICATES_DIRECTORY ./certificates) || return 1
    printf '%s/%s' "$folder" "$1"
}

has_certificate() { # DOMAIN
    local folder
    folder=$(certificate_folder "$1") || return 1
    [[ -e $folder/fullchain.pem && -e $folder/privkey.pem ]]
}

wait_for_health() {
    local code
    step 'Waiting until every part is well'
    for ((tries = 0; tries < 60; tries++)); do
        code=$(health --output /dev/null --write-out '%{http_code}') || code='no answer'
        [[ $code != 200 ]] || return 0
        sleep 2
    done
    health --output - | show_parts >&2 || true
    blame "The service is not well (/health: $code)"
}

show_parts() { # the JSON of /health, a line a part; the container has a Python, the host perhaps not
    docker exec --interactive face-rec-backend python -c '
import json, sys
for name, part in sorted(json.load(sys.stdin)["parts"].items()):
    print("   ", name, part["status"], part["detail"])'
}

greet() {
    local page
    page=$(page_address) || exit 1
    good "$ENVIRONMENT runs"
    plain "page     $page"
    plain "API      $(api_address "$page")"
    if in_profile monitoring; then
        plain "Grafana  http://localhost:$(setting GRAFANA_PORT 3001) (user admin, password: GRAFANA_PASSWORD in $ENV_FILE)"
    fi
    show_password
    [[ $MADE = false ]] ||
        note "BACKUP_PASSPHRASE in $ENV_FILE opens your backups: write it down in another place"
}

page_address() {
    local port domain
    domain=$(setting DOMAIN_NAME) || return 1
    if [[ $ENVIRONMENT = dev ]]; then
        address http localhost "$(setting FRONTEND_DEV_PORT 3000)" 80
    elif [[ -n $domain ]] && has_certificate "$domain"; then
        address https "$domain" "$(setting HTTPS_PORT 443)" 443
    else
        port=$(setting HOST_PORT 80) || return 1
        address http "${domain:-localhost}" "$port" 80
    fi
}

address() { # SCHEME HOST PORT USUAL
    if [[ $3 = "$4" ]]; then echo "$1://$2"; else echo "$1://$2:$3"; fi
}

api_address() { # PAGE
    local base=$1
    if [[ $ENVIRONMENT = dev ]]; then base=http://localhost:$(setting BACKEND_DEV_PORT 6874); fi
    echo "$base$(setting API_V1_STR /api/v1)/openapi.json"
}

show_password() { # the first administrator's, once, and only where somebody looks
    local - password='' tries=1
    set +x
    [[ -t 1 ]] || { point_to_password; return 0; }
    [[ $MADE = false ]] || tries=30
    while ! password=$(compose exec -T backend cat "$PASSWORD_FILE" 2> /dev/null < /dev/null); do
        ((--tries)) || return 0
        sleep 1
    done
    good 'sign in as admin; her password is shown only now:'
    plain "$password"
    compose exec -T backend rm -f "$PASSWORD_FILE" < /dev/null ||
        warn "Remove it: docker exec face-rec-backend rm $PASSWORD_FILE"
}

point_to_password() { # a log is kept, and is no place for it
    compose exec -T backend test -e "$PASSWORD_FILE" < /dev/null 2> /dev/null || [[ $MADE = true ]] || return 0
    note 'the password of the user admin waits for you, once. On a terminal:'
    plain "docker exec face-rec-backend cat $PASSWORD_FILE && docker exec face-rec-backend rm $PASSWORD_FILE"
}
