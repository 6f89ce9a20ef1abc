# Can the networks run on an NVIDIA GPU, from the driver up to a real inference?
# shellcheck shell=bash enable=all disable=SC2250,SC2310,SC2312

# What images of CUDA 13 need.
readonly LEAST_DRIVER=580

gpu_check_command() {
    check_docker
    check_gpu_host
    check_compose
    use_any_settings
    GPU=true
    is_image faceapi-backend-gpu || build_images backend
    check_gpu_inference
    good 'the GPU can be used: ./deploy.sh dev --gpu or ./deploy.sh prod --gpu'
}

use_any_settings() { # before anything is set up the template does
    if [[ -z $ENVIRONMENT && ! -e .env.dev && -e .env.prod ]]; then use_environment prod; fi
    use_environment "${ENVIRONMENT:-dev}"
    [[ -e $ENV_FILE ]] || ENV_FILE=$ENV_FILE.example
    [[ -r $ENV_FILE ]] || fail "$ENV_FILE cannot be read"
}

check_gpu_host() {
    step 'Looking at the GPU'
    check_driver
    check_toolkit
}

check_driver() {
    has nvidia-smi || fail 'There is no nvidia-smi, so no NVIDIA driver' \
        "Install driver $LEAST_DRIVER or newer, and restart the machine; or go without --gpu"
    local found
    found=$(nvidia-smi --query-gpu=driver_version,name --format=csv,noheader) ||
        fail 'nvidia-smi finds no GPU' 'After a change of driver restart the machine'
    found=${found%%$'\n'*}
    [[ $found =~ ^([0-9]+)\. ]] || fail "nvidia-smi gives no version of the driver: $found"
    ((BASH_REMATCH[1] >= LEAST_DRIVER)) || fail \
        "The driver is ${found%%,*}; CUDA 13 in the images needs $LEAST_DRIVER or newer" \
        'Install a newer driver and restart the machine; or go without --gpu'
    good "driver ${found%%,*},${found#*,}"
}

check_toolkit() { # a container that asks for the GPU starts only with it
    local answer
    answer=$(docker run --rm --network none --gpus all "$TOOLS" true 2>&1) ||
        fail 'Docker cannot hand the GPU to a container' "${answer##*$'\n'}" \
            'Install the NVIDIA Container Toolkit:' \
            '  https://docs.nvidia.com/datacenter/cloud-native/container-toolkit/latest/install-guide.html' \
            'then: sudo nvidia-ctk runtime configure --runtime=docker && sudo systemctl restart docker'
    good 'containers get the GPU'
}

check_gpu_inference() { # the networks are opened on the device; whatever fell back to the CPU fails
    fetch_models
    step 'Running the networks on the GPU, in the container'
    # Databases are not asked: they need not run yet.
    run_backend -e MODEL_DEVICE=cuda:0 -e SQL_HOST= -e MILVUS_DB_HOST= \
        backend faceapi doctor || fail 'The networks do not run on the GPU' \
        'The table above says why; does another program fill its memory (nvidia-smi)?' \
        'Until then: without --gpu'
    good 'the networks run on the GPU'
}
