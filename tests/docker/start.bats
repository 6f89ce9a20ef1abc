#!/usr/bin/env bats
# deploy.sh dev, deploy.sh prod
# shellcheck disable=SC2153,SC2154 # from deploy.bash and bats

load deploy.bash

@test "dev goes from nothing to a page that answers, step by step" {
    deploy dev
    expect 0 'dev runs' 'page     http://localhost:3000' 'API      http://localhost:6874/api/v1/openapi.json'
    same "dev: build
dev: up --detach --wait --wait-timeout 300 postgres etcd minio standalone
dev: run --rm --no-deps -T backend faceapi models pull opencv-zoo
dev: up --detach --wait --wait-timeout 600 --remove-orphans
dev: exec -T backend test -e /var/lib/faceapi/administrator-password" "$(changes)"
    [[ -d volumes_dev/etcd && -d volumes_dev/minio && -d volumes_dev/milvus && -d backups ]]
    grep -q 'http://127.0.0.1:6874/health' "$FAKE/curls"
}

@test "prod does the same with its own files, and says where the passphrase is" {
    deploy prod
    expect 0 'page     http://localhost:8080' 'BACKUP_PASSPHRASE in .env.prod opens your backups'
    [[ $(changes) = 'prod: build'* && ! -e volumes_dev ]]
    grep -q 'http://127.0.0.1:8080/health' "$FAKE/curls"
}

@test "every call of docker is complete: no other is made, in no other order" {
    deploy dev
    same "version
info
compose version --short
ps --all --quiet --filter project=faceapi-prod
ps --filter project=faceapi-dev
inspect --type container
image inspect
dev: build
dev: up --detach --wait --wait-timeout 300 postgres etcd minio standalone
dev: run --rm --no-deps -T backend faceapi models pull opencv-zoo
dev: up --detach --wait --wait-timeout 600 --remove-orphans
dev: exec -T backend test -e /var/lib/faceapi/administrator-password" "$(calls)"
}

@test "a call that fails ends it: status 1, a reason, and nothing after it" {
    local at what table=('1 engine' '2 engine' '3 Compose' '4 docker ps' '5 docker ps' '8 could not be built'
        '9 The databases did not start' '10 model pack opencv-zoo could not be fetched' '11 Not every service')
    for at in "${table[@]}"; do
        rm -f .env.dev && : > "$FAKE/calls" && : > "$FAKE/containers"
        what=${at#* } at=${at%% *}
        echo "$at" > "$FAKE/fail_at"
        deploy dev
        expect 1 "$what"
        refute_said 'dev runs'
        [[ $(changes | grep -c .) -eq $((at >= 8 ? at - 7 : 0)) ]]
    done
}

@test "who is unwell is named, with the last lines and what to do next" {
    container faceapi-prod backend face-rec-backend 'Restarting (1) 3 seconds ago'
    container faceapi-prod postgres face-rec-postgres 'Up 2 minutes (healthy)'
    container faceapi-prod backup faceapi-prod-backend-run-1 'Exited (0) 3 hours ago'
    make_fail '--remove-orphans'
    deploy prod
    expect 1 'Not every service became well' 'backend is unwell (Restarting (1) 3 seconds ago)' \
        '| face-rec-backend says line 1' './deploy.sh logs prod backend' './deploy.sh doctor'
    refute_said 'postgres is unwell'
    refute_said 'backup is unwell' # one that ran for one command
}

@test "a service that stays unwell is waited for, not for ever, and says which part it is" {
    printf '%s\n' 503 503 200 > "$FAKE/health"
    deploy dev
    expect 0 'dev runs'
    [[ $(wc -l < "$FAKE/sleeps") -eq 2 ]]
    echo 503 > "$FAKE/health"
    echo '{"parts": {"gallery": {"status": "unwell", "detail": "milvus is away"}}}' > "$FAKE/health.json"
    deploy dev
    expect 1 'gallery unwell milvus is away' 'The service is not well (/health: 503)'
    [[ $(wc -l < "$FAKE/sleeps") -lt 100 ]]
}

@test "a second run changes no settings and does not show the password again" {
    deploy dev
    local before
    before=$(cat .env.dev)
    : > "$FAKE/calls"
    deploy_on_terminal dev
    expect 0 'dev runs'
    refute_said 'sign in as admin'
    [[ $(cat .env.dev) = "$before" && ! -s $FAKE/sleeps ]]
}

@test "the administrator's password is shown once on a terminal, and removed" {
    echo 'korrekt-pferd' > "$FAKE/password"
    deploy_on_terminal dev
    expect 0 'korrekt-pferd' 'sign in as admin'
    [[ ! -e $FAKE/password ]]
    [[ $(changes | tail -n 2) = *'exec -T backend cat '*$'\n'*'exec -T backend rm -f '* ]]
}

@test "after a first start the password is waited for, half a minute at most" {
    deploy_on_terminal dev
    expect 0 'dev runs'
    [[ $(wc -l < "$FAKE/sleeps") -eq 29 ]]
}

@test "without a terminal the password reaches no log: it stays, and the way to it is said" {
    echo 'korrekt-pferd' > "$FAKE/password"
    deploy dev
    expect 0 'docker exec face-rec-backend cat /var/lib/faceapi/administrator-password'
    refute_said 'korrekt-pferd'
    [[ -e $FAKE/password ]]
}

@test "no secret is said, traced or given as an argument" {
    echo 'korrekt-pferd' > "$FAKE/password"
    run bash -x "$PROJECT/deploy.sh" prod < /dev/null
    expect 0 'prod runs'
    local secret count=0
    while read -r secret; do
        refute_said "$secret"
        [[ $(cat "$FAKE/calls") != *"$secret"* ]]
        count=$((count + 1))
    done < <(grep -oE "$SECRET" .env.prod)
    [[ $count -eq 4 ]]
    refute_said 'korrekt-pferd'
}

@test "on a terminal the models' progress has it, too" {
    deploy_on_terminal dev
    [[ $(changes) = *'dev: run --rm --no-deps backend faceapi models pull opencv-zoo'* ]]
}

@test "it works from another folder, and through a link" {
    ln -s "$PROJECT/deploy.sh" "$BATS_TEST_TMPDIR/link"
    cd /
    run "$BATS_TEST_TMPDIR/link" dev < /dev/null
    expect 0 'dev runs'
    [[ -e "$PROJECT/.env.dev" && $(changes) = 'dev: build'* ]]
}

@test "profiles reach Compose, and Grafana's address is said" {
    set_up prod
    sed -i 's/^COMPOSE_PROFILES=.*/COMPOSE_PROFILES=monitoring/' .env.prod
    deploy prod
    expect 0 'Grafana  http://localhost:3001'
    [[ $(cat "$FAKE/profiles") = monitoring ]]
}

@test "with a domain and its certificate the page is on HTTPS, and is asked there" {
    set_up prod
    sed -i 's/^DOMAIN_NAME=.*/DOMAIN_NAME=faces.example.org/; s/^HTTPS_PORT=.*/HTTPS_PORT=443/' .env.prod
    deploy prod
    expect 0 'page     http://faces.example.org:8080'
    mkdir -p certificates/faces.example.org
    touch certificates/faces.example.org/{fullchain,privkey}.pem
    deploy prod
    expect 0 'page     https://faces.example.org'
    grep -q -- '--connect-to ::127.0.0.1:443 .*https://faces.example.org/health' "$FAKE/curls"
}

@test "two at once: the second says so and does nothing" {
    exec {lock}< deploy.sh
    flock "$lock"
    deploy dev
    expect 1 'Another deploy.sh is at work here'
    [[ ! -s $FAKE/calls && ! -e .env.dev ]]
}
