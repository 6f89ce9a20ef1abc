#!/usr/bin/env bats
# .env.dev and .env.prod: how they are made, read and looked after
# shellcheck disable=SC2016 # values that must not be expanded

load deploy.bash

read_setting() { # NAME [DEFAULT]: as deploy.sh reads it
    (
        # shellcheck disable=SC2034 # for what is sourced
        ENV_FILE=.env.prod
        # shellcheck source=/dev/null
        source docker/deploy/settings.sh
        setting "$@"
    )
}

@test "each placeholder gets a secret of its own, a comment none" {
    deploy prod
    expect 0 'made .env.prod'
    [[ $(grep -cE "=$SECRET\$" .env.prod) -eq 4 ]]
    [[ $(grep -oE "$SECRET" .env.prod | sort -u | wc -l) -eq 4 ]]
    grep -qx '# your_comment_here stays' .env.prod
    [[ $(sed -E "s/$SECRET/X/" .env.prod | grep -v CPU) = "$(sed -E 's/=your_[a-z_]+_here/=X/' .env.prod.example | grep -v CPU)" ]]
}

@test "the backend may use as many cores as Docker has" {
    export FAKE_INFO='12 16000000000 /nowhere'
    deploy prod
    expect 0
    grep -qx 'BACKEND_CPU_LIMIT=12' .env.prod
}

@test "the file is private from its first byte on, whatever the umask" {
    umask 000
    # Whoever makes the secrets sees how the file lies there meanwhile.
    cat > "$BATS_TEST_TMPDIR/openssl" << END
#!/bin/sh
stat -c %a "$PROJECT"/.env.prod.?????? >> "$FAKE/modes"
exec /usr/bin/openssl "\$@"
END
    chmod +x "$BATS_TEST_TMPDIR/openssl"
    PATH="$BATS_TEST_TMPDIR:$PATH" deploy prod
    expect 0
    [[ $(sort "$FAKE/modes" | uniq -c | tr -s ' ') = ' 4 600' && $(stat -c %a .env.prod) = 600 ]]
}

@test "without random numbers there is no file, and no rest of one" {
    local answer
    for answer in 'exit 1' 'exit 0' 'echo short'; do
        printf '#!/bin/sh\n%s\n' "$answer" > "$BATS_TEST_TMPDIR/openssl"
        chmod +x "$BATS_TEST_TMPDIR/openssl"
        PATH="$BATS_TEST_TMPDIR:$PATH" deploy prod
        expect 1 'openssl gave no random number'
        [[ -z $(find . -name '.env.prod*' ! -name '*.example') && -z $(changes) ]]
    done
}

@test "without the template nothing begins" {
    rm .env.prod.example
    deploy prod
    expect 1 '.env.prod.example cannot be read'
    [[ -z $(changes) ]]
}

@test "a file that is there is not touched, whatever it holds" {
    settings_of prod 'SQL_PASSWORD="a $HOME `id` \" # '"'"'"' "MORE='x y' # z" $'CRLF=yes\r' 'MODEL_PACK=$(touch gotcha)'
    local before
    before=$(sha256sum .env.prod)
    deploy prod
    expect 0 'prod runs'
    [[ $(sha256sum .env.prod) = "$before" && ! -e gotcha ]]
    [[ $(changes) = *'models pull '"'"'$(touch gotcha)'"'"* ]]
}

@test "a link that leads nowhere is not replaced either" {
    ln -s /nowhere/at/all .env.prod
    deploy prod
    expect 1 '.env.prod cannot be read'
    [[ -L .env.prod && -z $(changes) ]]
}

@test "values are read as Compose reads them" {
    settings_of prod 'A=plain' 'B = spaced out ' 'C="double # quoted" # comment' "D='single \$x \"y\"' # comment" \
        'E=with#hash # comment' 'F=' 'G=# only a comment' 'export H=exported' 'I="esc\"aped \\ back"' \
        '# J=commented' 'K=first' 'K=last' $'L=carriage\r' 'M=a=b=c' 'N=$dollar`tick`' '  O=indented'
    local line table=('A|plain' 'B|spaced out' 'C|double # quoted' 'D|single $x "y"' 'E|with#hash' 'F|default'
        'G|default' 'H|exported' 'I|esc"aped \ back' 'J|default' 'K|last' 'L|carriage' 'M|a=b=c'
        'N|$dollar`tick`' 'O|indented' 'P|default')
    for line in "${table[@]}"; do
        same "$line" "${line%%|*}|$(read_setting "${line%%|*}" default)"
    done
}

@test "the last line counts without its line end, too" {
    printf 'A=1\nB=2' > .env.prod
    [[ $(read_setting B) = 2 ]]
}

@test "the environment goes before the file" {
    set_up prod
    export HOST_PORT=9999
    deploy prod
    expect 0 'page     http://localhost:9999'
}

@test "placeholders that are left are refused by name, without their values" {
    settings_of prod SQL_PASSWORD=your_secure_db_password_here JWT_SECRET_KEY=abcdefghijklmnop 'X="your_x_here"'
    deploy prod
    expect 1 'SQL_PASSWORD, X' 'openssl rand -hex 20'
    refute_said abcdefghijklmnop
    refute_said JWT_SECRET_KEY
    [[ -z $(changes) ]]
}

@test "a file that is open to others becomes private, and that is said" {
    set_up prod
    chmod 644 .env.prod
    deploy prod
    expect 0 '.env.prod was open to others; now it has mode 600'
    [[ $(stat -c %a .env.prod) = 600 ]]
    deploy prod
    refute_said 'open to others'
}

@test "what the template has and the file lacks is named, and not added" {
    set_up prod
    sed -i '/^MODEL_PACK/d; /^HTTPS_PORT/d' .env.prod
    deploy prod
    expect 0 '.env.prod lacks what .env.prod.example has, so the defaults count: MODEL_PACK, HTTPS_PORT'
    [[ $(grep -c MODEL_PACK .env.prod) -eq 0 ]]
    settings_of prod ''
    deploy prod
    expect 0 'MODEL_PACK, BACKEND_CPU_LIMIT'
}

@test "the shipped templates are all filled in, and name every port that is looked at" {
    local root=$BATS_TEST_DIRNAME/../.. name
    [[ -e $root/.env.prod.example ]] || skip 'no templates here'
    cp "$root"/.env.{dev,prod}.example .
    for name in dev prod; do
        rm -f "$FAKE/containers" && touch "$FAKE/containers"
        deploy "$name"
        expect 0 "$name runs"
        refute_said lacks
        [[ $(grep -vc '^#' ".env.$name") -gt 20 && $(grep -cE "=$SECRET\$" ".env.$name") -gt 4 ]]
        run ! grep -E '^[^#]*your_[a-z0-9_]+_here' ".env.$name"
    done
    for name in {BACKEND,FRONTEND,SQL,MILVUS,MILVUS_HEALTH,MINIO_CONSOLE}_DEV_PORT PROMETHEUS_PORT GRAFANA_PORT; do
        grep -q "^$name=" .env.dev.example
    done
    for name in HOST_PORT HTTPS_PORT PROMETHEUS_PORT GRAFANA_PORT BACKUP_KEEP BACKUP_DIRECTORY BACKUP_KEYS_DIRECTORY; do
        grep -q "^$name=" .env.prod.example
    done
    deploy doctor
    refute_said 'can be guessed'
}
