#!/usr/bin/env bash
# From a bare host to a running, watched, backed-up faceapi: ./deploy.sh --help
# shellcheck enable=all disable=SC2250,SC2310,SC2312 source-path=SCRIPTDIR
# (2310: steps called in conditions fail by themselves, not by set -e. 2312: what is asked in passing,
# mostly a setting, has a default and cannot fail.)
set -euo pipefail
if ((BASH_VERSINFO[0] * 100 + BASH_VERSINFO[1] < 404)); then
    echo "error: bash 4.4 or newer is needed; this is $BASH_VERSION" >&2
    exit 1
fi
shopt -s inherit_errexit
unset CDPATH COMPOSE_FILE
umask 022

ROOT=$(readlink --canonicalize -- "${BASH_SOURCE[0]}")
ROOT=${ROOT%/*}
readonly ROOT CALLER=$PWD
cd -- "$ROOT"

source "$ROOT/docker/deploy/say.sh"
source "$ROOT/docker/deploy/help.sh"
source "$ROOT/docker/deploy/settings.sh"
source "$ROOT/docker/deploy/host.sh"
source "$ROOT/docker/deploy/compose.sh"
source "$ROOT/docker/deploy/folders.sh"
source "$ROOT/docker/deploy/gpu.sh"
source "$ROOT/docker/deploy/start.sh"
source "$ROOT/docker/deploy/everyday.sh"
source "$ROOT/docker/deploy/backup.sh"
source "$ROOT/docker/deploy/restore.sh"
source "$ROOT/docker/deploy/update.sh"
source "$ROOT/docker/deploy/doctor.sh"

COMMAND='' ENVIRONMENT='' ENV_FILE='' WORDS=() MADE=false
GPU=false VOLUMES=false YES=false ASK=false KEYS_FROM=''

parse() { # OPTIONS THAT THE COMMAND KNOWS, MOST WORDS, ARGUMENT...: sets the above
    local known=" $1 --help " most=$2
    shift 2
    while (($#)); do
        [[ $1 != -h ]] || set -- --help "${@:2}"
        [[ $1 != -* || $known = *" $1 "* ]] || wrong_usage "There is no option $1 here"
        case $1 in
            --help) show_help "$COMMAND" && exit 0 ;;
            --gpu) GPU=true ;;
            -v) VOLUMES=true ;;
            --yes) YES=true ;;
            --ask-passphrase) ASK=true ;;
            --keys) [[ -n ${2:-} ]] || wrong_usage '--keys wants a folder'
                KEYS_FROM=$(from_caller "$2") && shift ;;
            dev | prod) [[ $known = *' environment '* ]] || wrong_usage "$COMMAND takes no $1"
                [[ -z $ENVIRONMENT ]] || wrong_usage "$ENVIRONMENT or $1? One of them"
                use_environment "$1" ;;
            '') wrong_usage 'An argument is empty' ;;
            *) WORDS+=("$1") ;;
        esac
        shift
    done
    ((${#WORDS[@]} <= most)) || wrong_usage "What is ${WORDS[most]@Q}?"
}

from_caller() { # PATH: as whoever calls means it
    if [[ $1 = /* ]]; then printf '%s' "$1"; else printf '%s' "$CALLER/$1"; fi
}

use_default() { [[ -n $ENVIRONMENT ]] || use_environment dev; }

no_command() { # NAME
    COMMAND=''
    wrong_usage "There is no command ${1@Q}"
}

check_what_to_rebuild() {
    case ${WORDS[0]:-} in
        backend | frontend | all) ;;
        nginx) [[ $ENVIRONMENT = prod ]] || wrong_usage 'nginx is only in production: rebuild nginx prod' ;;
        *) wrong_usage 'Rebuild what? backend, frontend, nginx or all' ;;
    esac
}

main() {
    COMMAND=${1:-}
    [[ $# -eq 0 ]] || shift
    case $COMMAND in
        '') help_all >&2 && exit 2 ;;
        -h | --help | help) help_all ;;
        dev | prod) parse '--gpu' 0 "$@" && use_environment "$COMMAND" && start_environment ;;
        gpu-check) parse 'environment' 0 "$@" && gpu_check_command ;;
        rebuild) parse 'environment' 1 "$@" && use_default && check_what_to_rebuild && rebuild "${WORDS[@]}" ;;
        logs) parse 'environment' 1 "$@" && use_default && show_logs "${WORDS[@]}" ;;
        status) parse '' 0 "$@" && show_status ;;
        stop) parse 'environment -v --yes' 0 "$@" && use_default && stop_environment ;;
        backup) parse 'environment' 1 "$@" && backup_command "${WORDS[@]}" ;;
        restore) parse 'environment --gpu --keys --ask-passphrase --yes' 1 "$@" && restore_command "${WORDS[@]}" ;;
        update) parse 'environment' 0 "$@" && update_command ;;
        doctor) parse '' 0 "$@" && doctor_command ;;
        *) no_command "$COMMAND" ;;
    esac
}

main "$@"
