#!/usr/bin/env bats
# deploy.sh doctor

load deploy.bash

well() { # prod runs, with a backup of today
    set_running prod
    local stamp
    stamp=$(date +%Y%m%d_%H%M%S)
    mkdir -p "backups/$stamp" "backup-keys/$stamp"
    touch "backups/$stamp/manifest.json"
}

certificate() { # DAYS: of faces.example.org, and the settings for it
    sed -i 's/^DOMAIN_NAME=.*/DOMAIN_NAME=faces.example.org/' .env.prod
    rm -rf certificates && mkdir -p certificates/faces.example.org
    openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days "$1" -subj /CN=faces.example.org \
        -keyout certificates/faces.example.org/privkey.pem -out certificates/faces.example.org/fullchain.pem 2> /dev/null
    chmod 644 certificates/faces.example.org/*
}

@test "where all is well: status 0, and nothing is changed" {
    well
    deploy doctor
    expect 0 'nothing has to be done' '.env.prod is filled in, and private' 'every container is well' \
        'the last backup is of' 'the service finds nothing to be done'
    [[ $(changes | sed 's/.*alpine/alpine/') = "alpine find"*$'\nexec face-rec-backend faceapi doctor' ]]
}

@test "where nothing is set up it says how to begin" {
    deploy doctor
    expect 0 'nothing is set up here yet'
}

@test "without an engine there is nothing more to look at" {
    make_fail '^version'
    deploy doctor
    expect 1 'The Docker engine does not answer' 'to be done: 1 of the above'
}

@test "every flaw is named, none hides another" {
    set_running prod
    sed -i 's/^SQL_PASSWORD=.*/SQL_PASSWORD=facepass123/; s/^MILVUS_DB_PASSWORD=.*/MILVUS_DB_PASSWORD=your_milvus_password_here/
        s/^JWT_SECRET_KEY=.*/JWT_SECRET_KEY=only_twenty_letters_/; /^MODEL_PACK/d' .env.prod
    chmod 640 .env.prod
    sed -i 's/(healthy)\tfaceapi-backend/(unhealthy)\tfaceapi-backend/' "$FAKE/containers"
    echo 3 > "$FAKE/free"
    echo 8080 > "$FAKE/ports"
    make_fail 'faceapi doctor'
    FAKE_COMPOSE=2.1.0 deploy doctor
    expect 1 'Compose is 2.1.0' '3 GB left' '.env.prod is open to others' '.env.prod lacks MODEL_PACK' \
        'secrets that can be guessed: SQL_PASSWORD, JWT_SECRET_KEY' 'Port already in use' \
        'backend: Up 2 hours (unhealthy)' 'There is no backup in' 'The service found something, too' \
        'to be done: 9 of the above'
    refute_said facepass123
    refute_said only_twenty
    [[ $(stat -c %a .env.prod) = 640 ]]
}

@test "placeholders count" {
    well
    sed -i 's/^SQL_PASSWORD=.*/SQL_PASSWORD=your_secure_db_password_here/' .env.prod
    deploy doctor
    expect 1 "still has the template's text in: SQL_PASSWORD"
}

@test "the certificate: missing, ending soon, unreadable, good" {
    well
    certificate 90
    deploy doctor
    expect 0 'the certificate of faces.example.org is good until'
    chmod 000 certificates/faces.example.org/privkey.pem
    deploy doctor
    expect 1 'privkey.pem cannot be read by user 1000'
    certificate 10
    deploy doctor
    expect 1 'ends within two weeks'
    echo nonsense > certificates/faces.example.org/fullchain.pem
    deploy doctor
    expect 1 'fullchain.pem is no certificate'
    rm certificates/faces.example.org/privkey.pem
    deploy doctor
    expect 1 'DOMAIN_NAME is faces.example.org, but its certificate is not there' 'certificates/faces.example.org'
}

@test "a backup that is days old is too old, and one without a manifest is none" {
    set_running prod
    mkdir -p backups/20200101_030000 "backups/$(date +%Y%m%d_%H%M%S)" backup-keys
    touch backups/20200101_030000/manifest.json
    deploy doctor
    expect 1 'The last backup is of 20200101_030000' 'days ago' './deploy.sh backup prod'
}

@test "development wants no backup; both environments are looked at" {
    set_running dev
    set_up prod
    deploy doctor
    expect 1 '==> dev' '==> prod' 'There is no backup in' 'to be done: 1 of the above'
    refute_said 'names its own alike'
}

@test "ports of the one that does not run are its own only while the other does not run either" {
    well
    set_up dev
    echo 6874 > "$FAKE/ports"
    deploy doctor
    expect 0 'dev does not run'
    : > "$FAKE/containers"
    deploy doctor
    expect 1 'set BACKEND_DEV_PORT'
}

@test "containers of both at once are a flaw" {
    well
    container faceapi-dev etcd milvus-etcd 'Exited (0) 2 days ago'
    deploy doctor
    expect 1 'dev has containers here'
}

@test "video by WebRTC: who sees it is said, and ports that will not do" {
    well
    deploy doctor
    expect 0 'WEBRTC_ANNOUNCED_ADDRESS is empty: only this machine'
    echo 'WEBRTC_ANNOUNCED_ADDRESS=192.0.2.10' >> .env.prod
    deploy doctor
    expect 0 'video by WebRTC is announced at 192.0.2.10'
    echo 'WEBRTC_PORTS_LAST=1' >> .env.prod
    deploy doctor
    expect 1 'WEBRTC_PORTS_FIRST and WEBRTC_PORTS_LAST in .env.prod are' 'to be done: 1 of the above'
}
