# Is this machine ready? Each check ends the script with what is wrong and what to do.
# shellcheck shell=bash enable=all disable=SC2250,SC2310,SC2312

readonly GIB=1073741824

has() { command -v "$1" > /dev/null; } # COMMAND

need_commands() { # NAME...
    local name
    for name in "$@"; do
        has "$name" || fail "$name is not installed" \
            "Debian, Ubuntu: sudo apt-get install $name"
    done
}

check_docker() { # sets CORES, MEMORY (bytes) and DOCKER_ROOT
    has docker || fail 'Docker is not installed' \
        'https://docs.docker.com/engine/install/ has the way for each system'
    local answer
    answer=$(docker version --format '{{.Server.Version}}' 2>&1) || refuse_engine "$answer"
    answer=$(docker info --format '{{.NCPU}} {{.MemTotal}} {{.DockerRootDir}}') ||
        refuse_engine 'docker info failed'
    read -r CORES MEMORY DOCKER_ROOT <<< "$answer"
    [[ $CORES =~ ^[1-9][0-9]*$ && $MEMORY =~ ^[0-9]+$ ]] || refuse_engine "docker info said: $answer"
}

refuse_engine() { # WHAT IT SAID
    case $1 in
        *'permission denied'*) fail 'You may not speak to the Docker engine' \
            "Add yourself to its group: sudo usermod -aG docker $(id -un || true), then sign in again" \
            'or use sudo: sudo ./deploy.sh ...' ;;
        *) fail 'The Docker engine does not answer' "${1##*$'\n'}" \
            'Start it: sudo systemctl start docker' ;;
    esac
}

check_compose() {
    local version
    if ! version=$(docker compose version --short 2> /dev/null); then
        ! has docker-compose || fail \
            'This is the old docker-compose; Compose v2 is needed (docker compose, 2.20 or newer)' \
            'https://docs.docker.com/compose/install/linux/'
        fail 'Docker has no Compose' 'Install docker-compose-plugin: https://docs.docker.com/compose/install/linux/'
    fi
    [[ ${version#v} =~ ^([0-9]+)\.([0-9]+) ]] || fail "Compose gives no version: $version"
    ((BASH_REMATCH[1] > 2 || (BASH_REMATCH[1] == 2 && BASH_REMATCH[2] >= 20))) || fail \
        "Compose is $version; 2.20 or newer is needed" 'https://docs.docker.com/compose/install/linux/'
}

other_environment() {
    if [[ $ENVIRONMENT = dev ]]; then echo prod; else echo dev; fi
}

check_alone() { # both environments name their containers alike
    local other found
    other=$(other_environment)
    found=$(docker ps --all --quiet --filter "label=com.docker.compose.project=faceapi-$other") ||
        fail 'docker ps failed'
    [[ -z $found ]] || fail "$other has containers here, and $ENVIRONMENT names its own alike" \
        "./deploy.sh stop $other keeps all data; then ./deploy.sh $ENVIRONMENT"
}

free_kib() { # FOLDER: on its file system
    local line
    line=$(df -Pk -- "$1" | tail -n 1) || return 1
    [[ $line =~ [[:space:]]([0-9]+)[[:space:]]+[0-9]+% ]] || return 1
    echo "${BASH_REMATCH[1]}"
}

check_disk() {
    local folder free wanted=20
    [[ $GPU = false ]] || wanted=40
    for folder in "$ROOT" "$DOCKER_ROOT"; do
        [[ -d $folder ]] || continue # Docker Desktop keeps it in a machine of its own
        free=$(free_kib "$folder") || fail "df says nothing about $folder"
        free=$((free * 1024 / GIB))
        ((free >= 5)) || fail "$folder has $free GB left; at least 5 are needed, $wanted are good" \
            'docker system prune removes what Docker does not use any more'
        ((free >= wanted)) || warn "$folder has $free GB left; $wanted are good"
    done
}

check_memory() {
    ((MEMORY >= 6 * GIB)) ||
        warn "This machine has $((MEMORY / GIB)) GB of memory; with less than 6 it will be slow"
}

check_webrtc() { # the UDP ports of video, and what the profile turn wants to know
    local first last name value
    first=$(setting WEBRTC_PORTS_FIRST 50000) || exit 1
    last=$(setting WEBRTC_PORTS_LAST 50099) || exit 1
    [[ $first =~ ^[1-9][0-9]{3,4}$ && $last =~ ^[1-9][0-9]{3,4}$ ]] &&
        ((first >= 1024 && last <= 65535 && last - first >= 31)) ||
        fail "WEBRTC_PORTS_FIRST and WEBRTC_PORTS_LAST in $ENV_FILE are $first and $last" \
            'Allowed are 32 ports or more, between 1024 and 65535: the service has no others'
    in_profile turn || return 0
    for name in WEBRTC_ANNOUNCED_ADDRESS WEBRTC_TURN_URL WEBRTC_TURN_SECRET; do
        value=$(setting "$name") || exit 1
        [[ -n $value ]] || fail "COMPOSE_PROFILES in $ENV_FILE names turn, but $name is empty" \
            'The comments there say what it is'
    done
}

published_ports() { # the variables that name ports of this host, each with its default
    local ports=('HOST_PORT 80' 'HTTPS_PORT 443')
    if [[ $ENVIRONMENT = dev ]]; then
        ports=('BACKEND_DEV_PORT 6874' 'FRONTEND_DEV_PORT 3000' 'SQL_DEV_PORT 5432'
            'MILVUS_DEV_PORT 19530' 'MILVUS_HEALTH_DEV_PORT 9091' 'MINIO_CONSOLE_DEV_PORT 9001')
    fi
    if in_profile monitoring; then ports+=('PROMETHEUS_PORT 9090' 'GRAFANA_PORT 3001'); fi
    if in_profile turn; then ports+=('WEBRTC_TURN_PORT 3478'); fi
    printf '%s\n' "${ports[@]}"
}

in_profile() { # NAME
    local profiles
    profiles=$(setting COMPOSE_PROFILES) || return 1
    [[ ,${profiles//[[:space:]]/}, = *,$1,* ]]
}

listens() { # PORT: does anybody here?
    local found
    if has ss; then
        found=$(ss -H -l -t -n "sport = :$1") || return 1
        [[ -n $found ]]
    else
        (: < "/dev/tcp/127.0.0.1/$1") 2> /dev/null
    fi
}

check_ports() { # names every one that is taken, by somebody else than our own containers
    local name default port ours published taken=()
    local -A named=()
    ours=$(docker ps --filter "label=com.docker.compose.project=faceapi-$ENVIRONMENT" \
        --format '{{.Ports}}') || fail 'docker ps failed'
    published=$(published_ports) || exit 1
    while read -r name default; do
        port=$(setting "$name" "$default") || exit 1
        [[ $port =~ ^[1-9][0-9]{0,4}$ && $port -le 65535 ]] ||
            fail "$name in $ENV_FILE is no port: 1 to 65535 is allowed"
        [[ -z ${named[$port]:-} ]] || fail "${named[$port]} and $name in $ENV_FILE are both $port"
        named[$port]=$name
        if [[ $ours != *":$port->"* ]] && listens "$port"; then taken+=("$name $port"); fi
    done <<< "$published"
    [[ ${#taken[@]} -eq 0 ]] || refuse_ports "${taken[@]}"
}

refuse_ports() { # 'NAME PORT'...
    local line lines=()
    for line in "$@"; do
        lines+=("port ${line#* }: end who listens there (sudo ss -ltnp 'sport = :${line#* }')," \
            "    or set ${line% *} in $ENV_FILE to another port")
    done
    fail 'Port already in use' "${lines[@]}"
}

make_folders() {
    local data backups keys folders
    backups=$(setting BACKUP_DIRECTORY ./backups) || exit 1
    keys=$(setting BACKUP_KEYS_DIRECTORY ./backup-keys) || exit 1
    data=$(setting DOCKER_VOLUME_DIRECTORY ./volumes_dev) || exit 1
    folders=("$backups" "$keys")
    [[ $ENVIRONMENT = prod ]] || folders+=("$data/etcd" "$data/minio" "$data/milvus")
    mkdir -p -- "${folders[@]}" || fail 'These folders could not be made' "${folders[@]}"
}

check_host() { # all that does not need the settings
    step 'Looking at this machine'
    need_commands openssl curl
    check_docker
    check_compose
    check_alone
    check_disk
    check_memory
}

alone_at_work() { # two of us would undo each other's work
    has flock || return 0
    exec {LOCK}< "$ROOT/deploy.sh"
    flock --nonblock "$LOCK" || fail 'Another deploy.sh is at work here' 'Wait until it has ended'
}
