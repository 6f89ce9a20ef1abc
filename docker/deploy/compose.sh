# Docker Compose as this project calls it, and what its containers say.
# shellcheck shell=bash enable=all disable=SC2250,SC2310,SC2312

# Images of ours, as services.
own_services() {
    if [[ $ENVIRONMENT = dev ]]; then echo backend frontend; else echo backend frontend nginx; fi
}

image_of() { # SERVICE
    case $1 in
        backend) if [[ $GPU = true ]]; then echo faceapi-backend-gpu; else echo faceapi-backend; fi ;;
        frontend) if [[ $ENVIRONMENT = dev ]]; then echo faceapi-frontend-dev; else echo faceapi-frontend; fi ;;
        *) echo "faceapi-$1" ;;
    esac
}

compose() { # ARGUMENT...
    local files=(-f "docker/docker-compose.$ENVIRONMENT.yml") profiles
    [[ $GPU = false ]] || files+=(-f "docker/docker-compose.$ENVIRONMENT.gpu.yml")
    profiles=$(setting COMPOSE_PROFILES) || return 1
    COMPOSE_PROFILES=$profiles docker compose --project-name "faceapi-$ENVIRONMENT" \
        --project-directory "$ROOT" --env-file "$ENV_FILE" "${files[@]}" "$@"
}

run_backend() { # ARGUMENT...: one command in a container of its own; a terminal only where there is one
    if [[ -t 0 && -t 1 ]]; then
        compose run --rm --no-deps "$@"
    else
        compose run --rm --no-deps -T "$@" < /dev/null
    fi
}

runs() { # ENVIRONMENT: does any of its containers?
    local found
    found=$(docker ps --quiet --filter "label=com.docker.compose.project=faceapi-$1") ||
        fail 'docker ps failed'
    [[ -n $found ]]
}

use_environment() { # NAME
    ENVIRONMENT=$1 ENV_FILE=.env.$1
}

choose_environment() { # the one that runs, else the one that has settings
    [[ -z $ENVIRONMENT ]] || return 0
    local name with=() running=()
    for name in dev prod; do
        if [[ -e .env.$name ]]; then with+=("$name"); fi
        if runs "$name"; then running+=("$name"); fi
    done
    [[ ${#running[@]} -eq 0 ]] || with=("${running[@]}")
    case ${#with[@]} in
        0) wrong_usage 'Nothing is set up here: say dev or prod' ;;
        1) use_environment "${with[0]}" ;;
        *) wrong_usage 'Both dev and prod are set up here: say which' ;;
    esac
}

find_gpu() { # what was begun with a GPU goes on with it: the backend's image tells
    [[ $GPU = false ]] || return 0
    local image
    if image=$(docker inspect --type container --format '{{.Config.Image}}' face-rec-backend 2> /dev/null); then
        if [[ ${image%:*} = *-gpu ]]; then GPU=true; fi
    elif is_image faceapi-backend-gpu && ! is_image faceapi-backend; then
        GPU=true
    fi
}

is_image() { docker image inspect --format '{{.Id}}' "$1" > /dev/null 2>&1; } # NAME

containers() { # 'SERVICE<tab>NAME<tab>STATUS' of each, also of those that have ended
    docker ps --all --filter "label=com.docker.compose.project=faceapi-$ENVIRONMENT" \
        --filter label=com.docker.compose.oneoff=False \
        --format '{{.Label "com.docker.compose.service"}}\t{{.Names}}\t{{.Status}}'
}

is_unwell() { # STATUS
    [[ $1 != Up* || $1 = *'(unhealthy)'* || $1 = *'(health: starting)'* ]]
}

backend_runs() {
    local running
    running=$(docker inspect --type container --format '{{.State.Running}}' face-rec-backend 2> /dev/null) ||
        return 1
    [[ $running = true ]]
}

blame() { # WHAT FAILED: names who is unwell, with their last lines, and ends with status 1
    local service name status first=''
    error "$1"
    while IFS=$'\t' read -r service name status; do
        is_unwell "$status" || continue
        first=${first:-$service}
        hint "$service is unwell ($status); its last lines:"
        { docker logs --tail 20 "$name" 2>&1 || true; } | sed 's/^/    | /' >&2
    done < <(containers || true)
    hint "What next: ./deploy.sh logs $ENVIRONMENT${first:+ $first}" \
        "           ./deploy.sh doctor"
    exit 1
}
