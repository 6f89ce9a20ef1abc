#!/usr/bin/env bats
# How deploy.sh is called, and how not
# shellcheck disable=SC2154 # from bats

load deploy.bash

@test "help names every command and the exit codes, and each command has its own" {
    deploy --help
    expect 0 'Exit status: 0 all is well; 1 something failed, and the message says what to do; 2 wrong usage'
    local command all=$output
    for command in dev prod gpu-check rebuild logs status stop backup restore update doctor; do
        [[ $all = *"./deploy.sh $command"* ]]
        deploy "$command" --help
        expect 0 "./deploy.sh $command"
        [[ $output != "$all" ]]
        deploy "$command" -h
        expect 0 "./deploy.sh $command"
    done
    [[ ! -s $FAKE/calls ]]
}

@test "wrong usage of every kind: status 2, nothing is called, the way to the help" {
    local line lines=('' 'frobnicate' 'Dev' 'dev prod' 'dev dev' 'dev --cpu' 'dev extra' 'prod --yes' 'dev -v'
        'gpu-check now' 'gpu-check --gpu' 'rebuild' 'rebuild postgres' 'rebuild backend frontend'
        'rebuild nginx' 'rebuild nginx dev' 'rebuild dev' 'rebuild all dev prod' 'logs dev prod' 'logs a b'
        'status dev' 'stop dev prod' 'stop all' 'stop -x' 'stop --volumes' 'backup a b' 'backup --keys x'
        'restore' 'restore prod' 'restore a b' 'restore a --keys' 'restore a --force' 'update now'
        'update dev prod' 'doctor dev' 'help-me' '--version')
    for line in "${lines[@]}"; do
        # shellcheck disable=SC2086 # words
        deploy $line
        expect 2 './deploy.sh '
        [[ -n $line ]] || continue
        expect 2 '--help says what is possible' || { echo "of: $line" >&2; return 1; }
    done
    [[ ! -s $FAKE/calls ]]
}

@test "an empty argument is no argument" {
    deploy backup ''
    expect 2 'An argument is empty'
    deploy restore x --keys ''
    expect 2 '--keys wants a folder'
}

@test "colours only on a terminal, and not where NO_COLOR or a dumb terminal forbids them" {
    local escape=$'\033['
    deploy dev
    refute_said "$escape"
    deploy_on_terminal dev
    expect 0 "$escape"
    NO_COLOR=1 deploy_on_terminal dev
    expect 0
    refute_said "$escape"
    TERM=dumb deploy_on_terminal dev
    expect 0
    refute_said "$escape"
}

@test "errors go to standard error, news to standard output" {
    run --separate-stderr "$PROJECT/deploy.sh" prod --nonsense
    [[ -z $output && $stderr = 'error: '* ]]
    run --separate-stderr "$PROJECT/deploy.sh" dev < /dev/null
    [[ $output = *'ok: dev runs'* ]]
}

@test "no function is long" {
    local found
    found=$(awk '/^[a-z_]+\(\) \{/ { start = FNR; name = $1; next }
        /^}/ && start { if (FNR - start > 32) print FILENAME, name, FNR - start; start = 0; count++ }
        END { if (count < 80) print "only", count }' deploy.sh docker/deploy/*.sh)
    same '' "$found"
}
