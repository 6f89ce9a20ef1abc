# What --help says.
# shellcheck shell=bash enable=all disable=SC2250,SC2310,SC2312

show_help() { # [COMMAND]
    case ${1:-} in
        '') help_all ;;
        dev | prod) help_start "$1" ;;
        *) "help_${1//-/_}" ;;
    esac
}

help_all() {
    cat << 'END'
From a bare host to a running, watched, backed-up faceapi.

  ./deploy.sh dev [--gpu]                     start development: code is reloaded as it changes
  ./deploy.sh prod [--gpu]                    start production: nginx is all the network sees
  ./deploy.sh gpu-check [dev|prod]            can the networks run on the GPU?
  ./deploy.sh rebuild backend|frontend|nginx|all [dev|prod]
  ./deploy.sh logs [dev|prod] [service]
  ./deploy.sh status                          what runs, how well, on how much disk
  ./deploy.sh stop [dev|prod] [-v] [--yes]    -v: with all data
  ./deploy.sh backup [folder] [dev|prod]
  ./deploy.sh restore <folder> [dev|prod] [--gpu] [--keys folder] [--ask-passphrase] [--yes]
  ./deploy.sh update [dev|prod]               to the version in this folder; back if that fails
  ./deploy.sh doctor                          what is wrong here?

Where dev or prod is not said: rebuild, logs and stop mean dev; backup, restore and update mean the
one that runs, else the one that is set up. ./deploy.sh COMMAND --help says more.

Settings are in .env.dev and .env.prod, made from .env.*.example with secrets of their own. A variable
of the environment goes before the file. NO_COLOR=1 turns colours off.

Exit status: 0 all is well; 1 something failed, and the message says what to do; 2 wrong usage.
END
}

help_start() { # ENVIRONMENT
    cat << END
./deploy.sh $1 [--gpu]

Looks at this machine, makes .env.$1 if there is none, builds the images, starts the databases, fetches
the model pack, starts the rest, waits until every part is well, and says the addresses and, once, the
administrator's password. To run it again does no harm.

  --gpu    run the networks on an NVIDIA GPU; looks first whether that can be
END
}

help_gpu_check() {
    cat << 'END'
./deploy.sh gpu-check [dev|prod]

Looks at the NVIDIA driver (580 or newer), at the container toolkit, and runs the networks on the GPU
in the backend's container. Which of the two only says whose settings are taken.
END
}

help_rebuild() {
    cat << 'END'
./deploy.sh rebuild backend|frontend|nginx|all [dev|prod]

Builds the image anew and, if the environment runs, starts it with that. Without dev or prod: dev.
nginx is only in production.
END
}

help_logs() {
    cat << 'END'
./deploy.sh logs [dev|prod] [service]

The last 200 lines of each container; on a terminal new ones follow, until Ctrl-C. Without dev or
prod: dev. Services: postgres etcd minio standalone backend frontend nginx prometheus grafana camera
END
}

help_status() {
    cat << 'END'
./deploy.sh status

The containers of both environments, the service's health part by part, and the disk.
END
}

help_stop() {
    cat << 'END'
./deploy.sh stop [dev|prod] [-v] [--yes]

Stops and removes the containers; the data stay. Without dev or prod: dev.

  -v       also removes all data, after saying exactly which, and asking
  --yes    does not ask
END
}

help_backup() {
    cat << 'END'
./deploy.sh backup [folder] [dev|prod]

Writes FOLDER/YYYYmmdd_HHMMSS, encrypted, while the service runs, and what opens it, with the settings,
to BACKUP_KEYS_DIRECTORY/YYYYmmdd_HHMMSS under BACKUP_PASSPHRASE. The folder is BACKUP_DIRECTORY
(./backups) where none is named. Of the backups there the newest BACKUP_KEEP (14; 0: all) are kept.

For every night, by cron:  0 3 * * *  /path/to/deploy.sh backup prod
END
}

help_restore() {
    cat << 'END'
./deploy.sh restore <folder> [dev|prod] [--gpu] [--keys folder] [--ask-passphrase] [--yes]

Replaces all that is there by one backup, such as backups/20260131_030000, and starts. If it fails,
nothing is changed. On a new host it makes the settings, and asks for the old host's passphrase; in
scripts BACKUP_PASSPHRASE in the environment, or standard input, gives it.

  --gpu               start with a GPU (what runs with one stays with it anyway)
  --keys FOLDER       the backup's keys; else the same name in BACKUP_KEYS_DIRECTORY
  --ask-passphrase    it was made with another passphrase than is in the settings
  --yes               does not ask whether to replace
END
}

help_update() {
    cat << 'END'
./deploy.sh update [dev|prod]

Makes a backup, builds what is in this folder (git pull first), starts it, and waits until every part
is well. If that fails: the images before, tagged :previous, run again, and if the new version has
changed the tables, the backup is restored.
END
}

help_doctor() {
    cat << 'END'
./deploy.sh doctor

Looks at everything without stopping at the first: this machine, settings and their secrets, ports,
certificate, containers, the last backup, and the service itself. Status 1 if anything is to be done.
END
}
