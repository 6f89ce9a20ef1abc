# What is said: news on standard output, warnings and errors on standard error.
# shellcheck shell=bash enable=all disable=SC2250,SC2310,SC2312

# Colours only where somebody looks (https://no-color.org).
in_colour() { [[ -t $1 && -z ${NO_COLOR:-} && ${TERM:-dumb} != dumb ]]; } # STREAM

said_on() { # STREAM COLOUR MARK TEXT
    if in_colour "$1"; then
        printf '\033[%sm%s\033[0m %s\n' "$2" "$3" "$4" >&"$1"
    else
        printf '%s %s\n' "$3" "$4" >&"$1"
    fi
}

step() { said_on 1 '1;34' '==>' "$*"; }
good() { said_on 1 '0;32' 'ok:' "$*"; }
note() { said_on 1 '0;36' 'note:' "$*"; }
plain() { printf '    %s\n' "$*"; }
warn() { said_on 2 '0;33' 'warning:' "$*"; }
error() { said_on 2 '1;31' 'error:' "$*"; }
hint() { printf '    %s\n' "$*" >&2; }

fail() { # WHAT [WHAT TO DO]...: says it, and ends with status 1
    error "$1"
    local line
    for line in "${@:2}"; do hint "$line"; done
    exit 1
}

wrong_usage() { # WHAT: says it, and ends with status 2
    error "$1"
    hint "./deploy.sh ${COMMAND:+$COMMAND }--help says what is possible"
    exit 2
}

agreed() { # QUESTION: only a typed yes is one; --yes answers for scripts
    [[ $YES = false ]] || return 0
    [[ -t 0 ]] || fail "$1" 'Nobody can answer without a terminal: --yes says yes'
    local answer=''
    read -r -p "$1 Type yes: " answer || true
    [[ $answer = yes ]] || fail 'Not agreed: nothing was done'
}
