# Everything that can be wrong, without stopping at the first.
# shellcheck shell=bash enable=all disable=SC2250,SC2310,SC2312

doctor_command() {
    FLAWS=0
    examine need_commands openssl curl
    if ! examine check_docker; then
        conclude
        return 1
    fi
    check_docker # for what it sets
    examine check_compose || true
    examine check_disk || true
    check_memory
    local name found=false
    for name in dev prod; do
        use_environment "$name"
        [[ -e $ENV_FILE ]] || runs "$name" || continue
        found=true
        find_gpu
        examine_environment
        GPU=false
    done
    [[ $found = true ]] || note 'nothing is set up here yet: ./deploy.sh dev or ./deploy.sh prod'
    conclude
}

conclude() {
    if ((FLAWS == 0)); then
        good 'nothing has to be done'
    else
        error "to be done: $FLAWS of the above"
        return 1
    fi
}

examine() { # CHECK...: what it finds counts, and ends nothing
    if ("$@"); then return 0; fi
    ((++FLAWS))
    return 1
}

examine_environment() {
    local check
    step "$ENVIRONMENT"
    for check in examine_settings_file examine_missing examine_weak examine_webrtc \
        examine_ports examine_certificate examine_containers examine_backups examine_inside; do
        examine "$check" || true
    done
}

examine_settings_file() {
    [[ -r $ENV_FILE ]] || fail "$ENV_FILE cannot be read"
    is_private || fail "$ENV_FILE is open to others" "chmod 600 $ENV_FILE"
    refuse_placeholders
    good "$ENV_FILE is filled in, and private"
}

examine_missing() {
    local names
    names=$(missing_settings) || exit 1
    [[ -z $names ]] || fail "$ENV_FILE lacks ${names//$'\n'/, }" "Copy the lines from $ENV_FILE.example"
}

examine_weak() {
    local names
    names=$(names_where is_weak) || exit 1
    [[ -z $names ]] || fail "$ENV_FILE has secrets that can be guessed: ${names//$'\n'/, }" \
        'openssl rand -hex 20 makes a good one; a database keeps the one it began with until you change it there'
}

examine_webrtc() {
    local address
    check_webrtc
    address=$(setting WEBRTC_ANNOUNCED_ADDRESS) || exit 1
    if [[ -n $address ]]; then
        good "video by WebRTC is announced at $address"
    else
        note 'WEBRTC_ANNOUNCED_ADDRESS is empty: only this machine sees and sends video by WebRTC'
    fi
}

examine_ports() { # the other one's may be the same: only one runs at a time
    local other
    other=$(other_environment)
    if runs "$ENVIRONMENT"; then check_alone; fi
    if ! runs "$other"; then check_ports; fi
}

examine_certificate() {
    local domain folder end
    domain=$(setting DOMAIN_NAME) || exit 1
    if [[ $ENVIRONMENT = dev || -z $domain ]]; then return 0; fi
    folder=$(certificate_folder "$domain") || exit 1
    has_certificate "$domain" || fail "DOMAIN_NAME is $domain, but its certificate is not there: no HTTPS" \
        "Put fullchain.pem and privkey.pem into $folder"
    for_user_1000 "$folder/fullchain.pem"
    for_user_1000 "$folder/privkey.pem"
    end=$(openssl x509 -noout -enddate -in "$folder/fullchain.pem") ||
        fail "$folder/fullchain.pem is no certificate that you can read"
    openssl x509 -noout -checkend 1209600 -in "$folder/fullchain.pem" > /dev/null ||
        fail "The certificate of $domain ends within two weeks: ${end#notAfter=}" 'Renew it, then ./deploy.sh prod'
    good "the certificate of $domain is good until ${end#notAfter=}"
}

for_user_1000() { # FILE: can nginx in its container read it?
    local found owner group mode
    found=$(stat --dereference --format '%u %g 0%a' -- "$1") || fail "$1 cannot be looked at"
    read -r owner group mode <<< "$found"
    if ((owner == 1000 && mode & 0400)); then return 0; fi
    if ((owner != 1000 && group == 1000 && mode & 0040)); then return 0; fi
    if ((owner != 1000 && group != 1000 && mode & 0004)); then return 0; fi
    fail "$1 cannot be read by user 1000, as whom nginx runs" "sudo chown 1000:1000 '$1'"
}

examine_containers() {
    local found service name status unwell=()
    found=$(containers) || fail 'docker ps failed'
    if [[ -z $found ]]; then
        note "$ENVIRONMENT does not run: ./deploy.sh $ENVIRONMENT"
        return 0
    fi
    while IFS=$'\t' read -r service name status; do
        if is_unwell "$status"; then unwell+=("$service: $status"); fi
    done <<< "$found"
    [[ ${#unwell[@]} -eq 0 ]] || fail 'Some containers are not well' "${unwell[@]}" \
        "./deploy.sh logs $ENVIRONMENT ${unwell[0]%%:*}"
    good 'every container is well'
}

examine_backups() { # production wants one that is not older than two days
    [[ $ENVIRONMENT = prod ]] || return 0
    find_folders
    local newest='' made now
    if [[ -d $BACKUPS && -d $KEYS ]]; then
        newest=$(complete_backups | head -n 1) || fail "The backups in $BACKUPS cannot be read"
    fi
    [[ -n $newest ]] || fail "There is no backup in $BACKUPS" './deploy.sh backup prod, every night by cron'
    made=$(date -d "${newest:0:8} ${newest:9:2}:${newest:11:2}:${newest:13:2}" +%s) ||
        fail "$newest is no time"
    now=$(date +%s) || fail 'date failed'
    ((now - made < 172800)) || fail "The last backup is of $newest, $(((now - made) / 86400)) days ago" \
        './deploy.sh backup prod, every night by cron'
    good "the last backup is of $newest"
}

examine_inside() {
    local found
    # The name alone does not tell: it is the same in both environments.
    found=$(docker ps --quiet --filter "label=com.docker.compose.project=faceapi-$ENVIRONMENT" \
        --filter label=com.docker.compose.service=backend) || fail 'docker ps failed'
    [[ -n $found ]] || return 0
    docker exec face-rec-backend faceapi doctor ||
        fail 'The service found something, too' 'Its table above says what to do'
    good 'the service finds nothing to be done'
}
