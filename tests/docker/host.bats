#!/usr/bin/env bats
# What deploy.sh looks at before it begins

load deploy.bash

refused() { # TEXT...: dev ends with it, before anything is built or begun
    deploy dev
    expect 1 "$@"
    same '' "$(changes)"
}

@test "without Docker it says where to get it" {
    path_without docker
    refused 'Docker is not installed' 'docs.docker.com'
}

@test "without openssl or curl it says how to get them" {
    path_without curl
    refused 'curl is not installed' 'apt-get install curl'
}

@test "an engine that is away, or that one may not speak to, is told apart" {
    make_fail '^version'
    echo 'Cannot connect to the Docker daemon at unix:///var/run/docker.sock.' > "$FAKE/says"
    refused 'does not answer' 'unix:///var/run/docker.sock' 'systemctl start docker'
    echo 'permission denied while trying to connect to the Docker daemon socket' > "$FAKE/says"
    refused 'You may not speak to the Docker engine' 'usermod -aG docker' 'use sudo'
}

@test "Compose is 2.20 or newer" {
    local version
    for version in 1.29.2 2.5.1 2.19.9 v2.19.0-desktop.1; do
        FAKE_COMPOSE=$version refused "Compose is $version; 2.20 or newer is needed"
    done
    FAKE_COMPOSE=soon refused 'Compose gives no version: soon'
    for version in 2.20.0 v2.24.6-desktop.1 2.100.0 5.0.1; do
        FAKE_COMPOSE=$version deploy dev
        expect 0 'dev runs'
    done
}

@test "the old docker-compose is named as such" {
    make_fail '^compose version'
    path_without docker-compose
    refused 'Docker has no Compose'
    printf '#!/bin/sh\n' > "$BATS_TEST_TMPDIR/bin/docker-compose"
    chmod +x "$BATS_TEST_TMPDIR/bin/docker-compose"
    refused 'This is the old docker-compose'
}

@test "both environments at once cannot be, not even one of them ended" {
    container faceapi-prod backend face-rec-backend 'Exited (0) 3 days ago'
    refused 'prod has containers here' './deploy.sh stop prod'
}

@test "little disk is warned of, too little refused; a GPU wants more" {
    echo 4 > "$FAKE/free"
    refused '4 GB left; at least 5 are needed'
    echo 19 > "$FAKE/free"
    deploy dev
    expect 0 '19 GB left; 20 are good'
    echo 20 > "$FAKE/free"
    deploy dev
    expect 0
    refute_said 'GB left'
    echo 39 > "$FAKE/free"
    PATH="$BATS_TEST_DIRNAME/fake/gpu:$PATH" deploy dev --gpu
    expect 0 '39 GB left; 40 are good'
}

@test "little memory is warned of" {
    FAKE_INFO='2 4294967296 /nowhere' deploy dev
    expect 0 'has 4 GB of memory'
    FAKE_INFO='2 6442450944 /nowhere' deploy dev
    refute_said 'GB of memory'
}

@test "every port that is taken is named with the variable that changes it" {
    printf '%s\n' 6874 19530 > "$FAKE/ports"
    refused 'Port already in use' "ss -ltnp 'sport = :6874'" 'set BACKEND_DEV_PORT in .env.dev' 'MILVUS_DEV_PORT'
    refute_said FRONTEND_DEV_PORT
}

@test "a port that our own containers hold is free for us" {
    set_up dev
    container faceapi-dev backend face-rec-backend 'Up 1 hour (healthy)' faceapi-backend '127.0.0.1:6874->8000/tcp'
    echo 6874 > "$FAKE/ports"
    deploy dev
    expect 0 'dev runs'
    echo 687 >> "$FAKE/ports"
    sed -i 's/^FRONTEND_DEV_PORT=.*/FRONTEND_DEV_PORT=687/' .env.dev
    : > "$FAKE/calls"
    refused 'FRONTEND_DEV_PORT'
}

@test "what is no port, or twice the same, is refused" {
    local port
    for port in 0 65536 http 127.0.0.1:80 -1; do
        set_up prod
        sed -i "s/^HOST_PORT=.*/HOST_PORT=$port/" .env.prod
        deploy prod
        expect 1 'HOST_PORT in .env.prod is no port: 1 to 65535 is allowed'
    done
    sed -i "s/^HOST_PORT=.*/HOST_PORT=8443/" .env.prod
    deploy prod
    expect 1 'HOST_PORT and HTTPS_PORT in .env.prod are both 8443'
}

@test "Prometheus and Grafana want their ports only where they are asked for" {
    echo 3001 > "$FAKE/ports"
    deploy prod
    expect 0
    sed -i 's/^COMPOSE_PROFILES=.*/COMPOSE_PROFILES=demo, monitoring/' .env.prod
    deploy prod
    expect 1 'set GRAFANA_PORT in .env.prod'
}

@test "a real listener is found, with ss and without" {
    coproc LISTENER { python3 -c '
import socket
with socket.create_server(("127.0.0.1", 0)) as door:
    print(door.getsockname()[1], flush=True)
    input()'; }
    local port
    read -r port <&"${LISTENER[0]}"
    set_up prod
    sed -i "s/^HOST_PORT=.*/HOST_PORT=$port/" .env.prod
    path_without ss
    deploy prod
    expect 1 "port $port"
    ln -s "$(PATH=/usr/bin:/bin:/usr/sbin command -v ss)" "$BATS_TEST_TMPDIR/bin/ss"
    deploy prod
    expect 1 "port $port"
    echo >&"${LISTENER[1]}"
    wait "$LISTENER_PID" || true
    deploy prod
    expect 0 'prod runs'
}

@test "the UDP ports of video: enough of them, in their order, no others' and no words" {
    deploy prod
    local at
    for at in '50000 50030' '50099 50000' '80 200' '65500 65536' 'many more'; do
        sed -i '/^WEBRTC_/d' .env.prod
        printf 'WEBRTC_PORTS_FIRST=%s\nWEBRTC_PORTS_LAST=%s\n' "${at% *}" "${at#* }" >> .env.prod
        deploy prod
        expect 1 "WEBRTC_PORTS_FIRST and WEBRTC_PORTS_LAST in .env.prod are ${at% *} and ${at#* }" '32 ports or more'
    done
    sed -i 's/^WEBRTC_PORTS_FIRST=.*/WEBRTC_PORTS_FIRST=40000/; s/^WEBRTC_PORTS_LAST=.*/WEBRTC_PORTS_LAST=40031/' .env.prod
    deploy prod
    expect 0 'prod runs'
}

@test "the profile turn wants an address, a URL and a secret, and its port free" {
    deploy prod
    sed -i '/^WEBRTC_/d; s/^COMPOSE_PROFILES=.*/COMPOSE_PROFILES=demo,turn/' .env.prod
    local name
    for name in WEBRTC_ANNOUNCED_ADDRESS=192.0.2.10 WEBRTC_TURN_URL=turn:192.0.2.10:3478 WEBRTC_TURN_SECRET=secret; do
        deploy prod
        expect 1 "names turn, but ${name%%=*} is empty"
        echo "$name" >> .env.prod
    done
    echo 3478 > "$FAKE/ports"
    deploy prod
    expect 1 'Port already in use' 'set WEBRTC_TURN_PORT in .env.prod'
    : > "$FAKE/ports"
    deploy prod
    expect 0 'prod runs'
}
