#!/usr/bin/env bats
# deploy.sh gpu-check, and --gpu

load deploy.bash

gpu_here() { PATH="$BATS_TEST_DIRNAME/fake/gpu:$PATH"; }

readonly TOOLKIT='run --rm --network none --gpus all postgres:15-alpine true'
readonly INFERENCE="run --rm --no-deps -T -e MODEL_DEVICE=cuda:0 -e SQL_HOST= -e MILVUS_DB_HOST= backend faceapi doctor"

@test "before anything is set up gpu-check takes the template, and leaves nothing" {
    gpu_here
    deploy gpu-check
    expect 0 'driver 580.65.06, NVIDIA L4' 'the networks run on the GPU' 'the GPU can be used'
    same "$TOOLKIT
dev+gpu: build backend
dev+gpu: run --rm --no-deps -T backend faceapi models pull opencv-zoo
dev+gpu: $INFERENCE" "$(changes)"
    [[ ! -e .env.dev ]]
}

@test "gpu-check takes the settings that are there, and the image that is there" {
    gpu_here
    set_up prod
    echo faceapi-backend-gpu > "$FAKE/images"
    deploy gpu-check
    expect 0
    [[ $(changes) = "$TOOLKIT"$'\nprod+gpu: run'* ]]
}

@test "without a driver, with an old one, or without a card it says what to do" {
    path_without nvidia-smi
    deploy gpu-check
    expect 1 'There is no nvidia-smi' '580 or newer'
    gpu_here
    local version
    for version in 470.10 579.99.01 99.1; do
        FAKE_DRIVER="$version, Tesla" deploy gpu-check
        expect 1 "The driver is $version; CUDA 13 in the images needs 580 or newer"
    done
    FAKE_DRIVER='No devices were found' deploy gpu-check
    expect 1 'gives no version of the driver: No devices were found'
    FAKE_SMI=9 deploy gpu-check
    expect 1 'nvidia-smi finds no GPU'
    same '' "$(changes)"
    FAKE_DRIVER=$'600.1, A\n600.1, B' deploy gpu-check
    expect 0 'driver 600.1, A'
}

@test "without the container toolkit it says how to get it" {
    gpu_here
    make_fail 'gpus all'
    echo 'could not select device driver "" with capabilities: [[gpu]]' > "$FAKE/says"
    deploy gpu-check
    expect 1 'Docker cannot hand the GPU to a container' 'could not select device driver' 'nvidia-ctk runtime configure'
    same "$TOOLKIT" "$(changes)"
}

@test "networks that fall back to the CPU, models or images that are missing, end it" {
    gpu_here
    local what table=('faceapi doctor|The networks do not run on the GPU' 'models pull|could not be fetched'
        ' build |could not be built')
    for what in "${table[@]}"; do
        make_fail "${what%|*}"
        deploy gpu-check
        expect 1 "${what#*|}"
    done
}

@test "dev --gpu looks first, checks after the build, and takes the GPU's files everywhere" {
    gpu_here
    deploy dev --gpu
    expect 0 'dev runs'
    same "$TOOLKIT
dev+gpu: build
dev+gpu: run --rm --no-deps -T backend faceapi models pull opencv-zoo
dev+gpu: $INFERENCE
dev+gpu: up --detach --wait --wait-timeout 300 postgres etcd minio standalone
dev+gpu: run --rm --no-deps -T backend faceapi models pull opencv-zoo
dev+gpu: up --detach --wait --wait-timeout 600 --remove-orphans
dev+gpu: exec -T backend test -e /var/lib/faceapi/administrator-password" "$(changes)"
}

@test "dev --gpu without a GPU makes nothing" {
    path_without nvidia-smi
    deploy dev --gpu
    expect 1 'There is no nvidia-smi'
    [[ ! -e .env.dev && -z $(changes) ]]
}

@test "what ran on a GPU and is now started without is told" {
    set_running dev -gpu
    deploy dev
    expect 0 'so far it ran on a GPU'
    [[ $(changes) = 'dev: build'* ]]
}
