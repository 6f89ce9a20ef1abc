#!/usr/bin/env bats
# deploy.sh rebuild, logs, status, stop

load deploy.bash

@test "rebuild builds one service and starts it, where the environment runs" {
    set_running dev
    deploy rebuild backend
    expect 0 'dev runs with it'
    same "dev: build backend
dev: up --detach --wait --wait-timeout 600 backend" "$(changes)"
}

@test "rebuild all means all, and goes on with the GPU where one is used" {
    set_running prod -gpu
    deploy rebuild all prod
    expect 0
    same "prod+gpu: build
prod+gpu: up --detach --wait --wait-timeout 600" "$(changes)"
}

@test "a tag at the image's name does not hide the GPU" {
    set_up prod
    container faceapi-prod backend face-rec-backend 'Up 1 hour' faceapi-backend-gpu:latest
    deploy rebuild nginx prod
    expect 0
    [[ $(changes) = 'prod+gpu: build nginx'* ]]
}

@test "where nothing runs rebuild only builds; images tell of the GPU then" {
    set_up prod
    echo faceapi-backend-gpu > "$FAKE/images"
    deploy rebuild frontend prod
    expect 0 './deploy.sh prod starts it'
    same 'prod+gpu: build frontend' "$(changes)"
    echo faceapi-backend >> "$FAKE/images"
    : > "$FAKE/calls"
    deploy rebuild frontend prod
    same 'prod: build frontend' "$(changes)"
}

@test "rebuild fails where building or starting fails, and names who is unwell" {
    set_running dev
    make_fail ' build '
    deploy rebuild backend
    expect 1 'An image could not be built'
    [[ $(changes | wc -l) -eq 1 ]]
    make_fail ' up '
    sed -i 's/Up 2 hours (healthy)\tfaceapi-backend/Up 2 hours (unhealthy)\tfaceapi-backend/' "$FAKE/containers"
    deploy rebuild backend
    expect 1 'What was built did not become well' 'backend is unwell' './deploy.sh logs dev backend'
}

@test "rebuild and logs want settings" {
    deploy rebuild backend
    expect 1 'There is no .env.dev' './deploy.sh dev makes it'
    deploy logs prod
    expect 1 'There is no .env.prod' './deploy.sh prod makes it'
    same '' "$(changes)"
}

@test "logs mean dev, or what is said, and one service of it" {
    set_up dev && set_up prod
    deploy logs && deploy logs prod && deploy logs backend && deploy logs prod nginx
    same "dev: logs --tail 200
prod: logs --tail 200
dev: logs --tail 200 backend
prod: logs --tail 200 nginx" "$(changes)"
    : > "$FAKE/calls"
    deploy_on_terminal logs
    same 'dev: logs --tail 200 --follow' "$(changes)"
}

@test "logs of nobody fail" {
    set_up dev
    make_fail ' logs '
    deploy logs nobody
    expect 1 'No logs of nobody'
}

@test "status shows both environments, the parts and the disk, with no settings at all" {
    container faceapi-prod backend face-rec-backend 'Up 2 hours (healthy)'
    echo '{"parts": {"gallery": {"status": "unwell", "detail": "away"}, "database": {"status": "well", "detail": ""}}}' > "$FAKE/health.json"
    deploy status
    expect 0 $'==> dev\n    does not run' 'face-rec-backend     Up 2 hours (healthy)' 'gallery unwell away' 'database well' 'TYPE TOTAL'
    same 'system df
exec --interactive face-rec-backend python -c' "$(changes | sed 's/ -c .*/ -c/' | sort -r)"
}

@test "status says that the service gives no answer, and goes on" {
    container faceapi-dev backend face-rec-backend 'Up 2 hours (unhealthy)'
    : > "$FAKE/health.json"
    deploy status
    expect 0 'The service gives no answer at /health' 'TYPE TOTAL'
}

@test "stop removes containers of all profiles and leaves the data, without settings" {
    container faceapi-dev grafana face-rec-grafana 'Up 2 hours'
    deploy stop
    expect 0 'dev is stopped'
    same 'compose --project-name faceapi-dev down --remove-orphans' "$(changes)"
    [[ ! -s $FAKE/containers ]]
    deploy stop
    expect 0 'dev is stopped'
}

@test "stop says where the other environment runs" {
    set_running prod
    deploy stop
    expect 0 'dev does not run, but prod does: ./deploy.sh stop prod'
    [[ $(grep -c faceapi-prod "$FAKE/containers") -eq 3 ]]
}

@test "stop -v says exactly what will be lost, and without a terminal refuses" {
    set_up dev
    mkdir -p volumes_dev/etcd volumes_dev/milvus
    printf '%s\n' faceapi-dev_postgres_data faceapi-dev_faceapi_data > "$FAKE/volumes"
    deploy stop -v
    expect 1 'volume faceapi-dev_postgres_data' 'volume faceapi-dev_faceapi_data' "folder $PROJECT/volumes_dev/etcd" \
        'It stays: .env.dev' '--yes says yes'
    refute_said minio
    same '' "$(changes)"
}

@test "stop -v with a typed yes removes volumes and folders; with anything else nothing" {
    set_up dev
    mkdir -p volumes_dev/{etcd,minio,milvus,mine}
    local answer
    for answer in '' no y YES 'yes yes'; do
        deploy_on_terminal stop dev -v <<< "$answer"
        expect 1 'Not agreed: nothing was done'
        same '' "$(changes)"
    done
    deploy_on_terminal stop dev -v <<< yes
    expect 0 'dev is stopped'
    [[ $(ls volumes_dev) = mine ]]
    [[ $(changes | head -n 1) = 'compose --project-name faceapi-dev down --remove-orphans --volumes' ]]
}

@test "stop -v --yes is for scripts; production has no folders to remove" {
    mkdir -p volumes_dev/etcd
    deploy stop prod -v --yes
    expect 0 'prod is stopped'
    same 'compose --project-name faceapi-prod down --remove-orphans --volumes' "$(changes)"
    [[ -d volumes_dev/etcd ]]
}

@test "stop fails where Compose fails, and removes no folder then" {
    set_up dev
    mkdir -p volumes_dev/etcd
    make_fail ' down '
    deploy stop -v --yes
    expect 1 'dev could not be stopped'
    [[ -d volumes_dev/etcd ]]
    make_fail 'volume ls'
    : > "$FAKE/calls"
    deploy stop -v --yes
    expect 1 'docker volume ls failed'
    same '' "$(changes)"
}
