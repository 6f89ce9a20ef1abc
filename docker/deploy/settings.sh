# The file of settings, .env.dev or .env.prod. It is read and never run: a value may hold anything.
# Whatever handles secrets turns tracing off (bash -x), for itself and what it calls.
# shellcheck shell=bash enable=all disable=SC2250,SC2310,SC2312

readonly PLACEHOLDER='your_[a-z0-9_]+_here'
# Passwords that are known to everybody.
readonly WEAK='^(milvus|minioadmin|postgres|facepass123|facepass|password|passwort|changeme|change_me|secret|admin|administrator|grafana|root|test|12345.*)$'

is_assignment() { # LINE: sets NAME and RAW
    local assignment='^[[:space:]]*(export[[:space:]]+)?([A-Za-z_][A-Za-z0-9_]*)[[:space:]]*=(.*)$'
    [[ ${1%$'\r'} =~ $assignment ]] || return 1
    NAME=${BASH_REMATCH[2]} RAW=${BASH_REMATCH[3]}
}

unquoted() { # RAW: sets VALUE as Compose understands it, but for variables in it
    local raw=${1#"${1%%[![:space:]]*}"} double='^"(([^"\\]|\\.)*)"'
    if [[ $raw = \'* ]]; then
        raw=${raw#\'}
        VALUE=${raw%%\'*}
    elif [[ $raw =~ $double ]]; then
        VALUE=${BASH_REMATCH[1]//\\\"/\"}
        VALUE=${VALUE//\\\\/\\}
    else
        raw=" $raw" # so that a value that is only a comment is empty
        raw=${raw%%[[:space:]]#*}
        raw=${raw#"${raw%%[![:space:]]*}"}
        VALUE=${raw%"${raw##*[![:space:]]}"}
    fi
}

find_setting() { # NAME [FILE]: sets VALUE; the environment goes before the file, as in Compose
    local - line found=false file=${2:-$ENV_FILE}
    set +x
    VALUE=''
    if [[ $# -eq 1 && -v $1 ]]; then
        VALUE=${!1}
        return 0
    fi
    [[ -f $file ]] || return 1
    while IFS= read -r line || [[ -n $line ]]; do
        if is_assignment "$line" && [[ $NAME = "$1" ]]; then
            found=true
            unquoted "$RAW"
        fi
    done < "$file"
    [[ $found = true ]]
}

setting() { # NAME [DEFAULT]: the value; the default, too, where it is empty
    local -
    set +x
    find_setting "$1" || true
    printf '%s' "${VALUE:-${2:-}}"
}

names_in() { # FILE: of all settings, one a line
    local - line
    set +x
    while IFS= read -r line || [[ -n $line ]]; do
        if is_assignment "$line"; then printf '%s\n' "$NAME"; fi
    done < "$1"
}

new_secret() { # sets VALUE to 40 hexadecimal digits
    local -
    set +x
    VALUE=$(openssl rand -hex 20) || return 1
    [[ $VALUE =~ ^[0-9a-f]{40}$ ]]
}

filled_in() { # TEMPLATE: with a secret of its own for each placeholder, and this host's cores
    local - line placeholder
    set +x
    while IFS= read -r line || [[ -n $line ]]; do
        if is_assignment "$line" && [[ $NAME = BACKEND_CPU_LIMIT ]]; then
            line="BACKEND_CPU_LIMIT=$CORES"
        fi
        while [[ $line != \#* && $line =~ $PLACEHOLDER ]]; do
            placeholder=${BASH_REMATCH[0]}
            new_secret || return 1
            line=${line/"$placeholder"/$VALUE}
        done
        printf '%s\n' "$line" || return 1
    done < "$1"
}

make_settings() { # none that is there is replaced; sets MADE
    if [[ -e $ENV_FILE || -L $ENV_FILE ]]; then return 0; fi
    local template=$ENV_FILE.example begun
    [[ -r $template ]] || fail "$template cannot be read" 'It belongs to the program: get it back from there'
    begun=$(mktemp "$ENV_FILE.XXXXXX") || fail "No file can be made in $ROOT" 'Who may write there?'
    # From here on mode 600; it gets its name when all is in it.
    if ! filled_in "$template" > "$begun"; then
        rm -f -- "$begun"
        fail "$ENV_FILE could not be made: openssl gave no random number, or the disk is full"
    fi
    mv --no-clobber --no-target-directory -- "$begun" "$ENV_FILE" || true
    if [[ -e $begun ]]; then
        rm -f -- "$begun"
        fail "$ENV_FILE could not be made" 'If it has just appeared: start again'
    fi
    MADE=true
    good "made $ENV_FILE, with secrets of its own; only you can read it"
}

need_settings() {
    [[ -e $ENV_FILE ]] || fail "There is no $ENV_FILE" "./deploy.sh $ENVIRONMENT makes it"
}

check_settings() { # repairs permissions, refuses placeholders, names what is missing
    [[ -f $ENV_FILE && -r $ENV_FILE ]] || fail "$ENV_FILE cannot be read" \
        "ls -l $ENV_FILE says whose it is; who deployed last, perhaps with sudo?"
    keep_private
    refuse_placeholders
    name_what_is_missing
}

is_private() { # nobody but its owner may read it
    local mode
    mode=$(stat --dereference --format '%a' -- "$ENV_FILE") || return 1
    [[ $mode = *[46]00 ]]
}

keep_private() {
    if is_private; then return 0; fi
    chmod 600 -- "$ENV_FILE" || fail "$ENV_FILE is open to others, and is not yours to change" \
        "sudo chmod 600 $ROOT/$ENV_FILE"
    note "$ENV_FILE was open to others; now it has mode 600"
}

names_where() { # TEST: names of the settings whose value passes it
    local - line
    set +x
    while IFS= read -r line || [[ -n $line ]]; do
        is_assignment "$line" || continue
        unquoted "$RAW"
        if "$1" "$NAME" "$VALUE"; then printf '%s\n' "$NAME"; fi
    done < "$ENV_FILE"
}

is_placeholder() { [[ $2 =~ $PLACEHOLDER ]]; } # NAME VALUE

is_weak() { # NAME VALUE: a secret that can be guessed
    local least=12
    case $1 in
        JWT_SECRET_KEY) least=32 ;;
        *_PASSWORD | BACKUP_PASSPHRASE) ;;
        *) return 1 ;;
    esac
    [[ ${#2} -lt $least || ${2,,} =~ $WEAK ]]
}

refuse_placeholders() {
    local names
    names=$(names_where is_placeholder) || exit 1
    [[ -z $names ]] || fail "$ENV_FILE still has the template's text in: ${names//$'\n'/, }" \
        'Give each a secret of its own: openssl rand -hex 20'
}

missing_settings() { # names that the template has and the file has not
    [[ -f $ENV_FILE.example ]] || return 0
    local wanted there
    wanted=$(names_in "$ENV_FILE.example") || return 1
    there=$(names_in "$ENV_FILE") || return 1
    # What is there stands first, so that nothing of it counts as wanted.
    awk 'NR == FNR { there[$0] = 1; next } !there[$0]++' <(printf '%s\n' "$there") <(printf '%s\n' "$wanted")
}

name_what_is_missing() {
    local names
    names=$(missing_settings) || exit 1
    [[ -z $names ]] || note "$ENV_FILE lacks what $ENV_FILE.example has, so the defaults count: ${names//$'\n'/, }"
}
