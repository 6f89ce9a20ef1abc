#!/bin/sh
# Makes nginx's configuration of the templates and of what the environment says, has nginx test it,
# and becomes nginx. Nothing is written but in one folder; a value that is none never gets there.
set -eu
LC_ALL=C
export LC_ALL

here=$(cd "$(dirname "$0")" && pwd)

# What is to be had outside, and whom it is asked of; see docker/README.md.
export API_V1_STR="${API_V1_STR:-/api/v1}"
export BACKEND_UPLOAD_LIMIT="${BACKEND_UPLOAD_LIMIT:-64}"
export DOMAIN_NAME="${DOMAIN_NAME:-}"
export HTTPS_PORT="${HTTPS_PORT:-443}"
trusted_proxies=${TRUSTED_PROXIES:-}

# Where things are in the container; tests have them elsewhere.
export NGINX_ADDRESS="${NGINX_ADDRESS:-0.0.0.0}"
export NGINX_HTTP_PORT="${NGINX_HTTP_PORT:-80}"
export NGINX_HTTPS_PORT="${NGINX_HTTPS_PORT:-443}"
export NGINX_HEALTH_PORT="${NGINX_HEALTH_PORT:-8081}"
export NGINX_BACKEND="${NGINX_BACKEND:-backend:8000}"
export NGINX_FRONTEND="${NGINX_FRONTEND:-frontend:3000}"
export NGINX_RESOLVER="${NGINX_RESOLVER:-127.0.0.11}"
export NGINX_CERTIFICATES="${NGINX_CERTIFICATES:-/etc/nginx/certificates}"
export NGINX_FOLDER="${NGINX_FOLDER:-/tmp/nginx}"

say() {
    printf 'nginx: %s\n' "$1" >&2
}

refuse() { # VARIABLE VALUE ALLOWED
    say "$1 is \"$(printf '%s' "$2" | tr -cd ' -~')\"; allowed: $3"
    exit 78 # EX_CONFIG
}

number() { # VARIABLE VALUE LEAST MOST
    case $2 in
        '' | *[!0-9]* | 0?* | ??????*) refuse "$1" "$2" "a whole number from $3 to $4" ;;
    esac
    if [ "$2" -lt "$3" ] || [ "$2" -gt "$4" ]; then
        refuse "$1" "$2" "a whole number from $3 to $4"
    fi
}

place() { # VARIABLE VALUE
    case $2 in
        *[!A-Za-z0-9.:_-]* | :* | *:*:* | *:) refuse "$1" "$2" "HOST:PORT" ;;
        *:*) number "$1" "${2##*:}" 1 65535 ;;
        *) refuse "$1" "$2" "HOST:PORT" ;;
    esac
}

folder() { # VARIABLE VALUE
    case $2 in
        *[!A-Za-z0-9./_-]*) refuse "$1" "$2" "a path of letters, digits, . / _ and -" ;;
        /*) ;;
        *) refuse "$1" "$2" "a path that begins with /" ;;
    esac
}

prefix() { # VARIABLE VALUE
    case $2/ in
        *[!A-Za-z0-9_./-]* | *//* | */./* | */../*) refuse "$1" "$2" "a path such as /api/v1" ;;
        /health/* | /metrics/*) refuse "$1" "$2" "a path such as /api/v1, not /health, not /metrics" ;;
        /*) ;;
        *) refuse "$1" "$2" "a path such as /api/v1" ;;
    esac
}

domain() { # VARIABLE VALUE
    case .$2. in
        *[!A-Za-z0-9.-]* | *..* | *.-* | *-.*) refuse "$1" "$2" "a name such as faces.example.com" ;;
    esac
    [ "${#2}" -le 253 ] || refuse "$1" "$2" "a name of at most 253 characters"
}

address() { # VARIABLE VALUE
    case $2 in
        *[!0-9.]* | '') refuse "$1" "$2" "an IPv4 address such as 127.0.0.1" ;;
    esac
    networks "$2" >/dev/null 2>&1 || refuse "$1" "$2" "an IPv4 address such as 127.0.0.1"
}

networks() { # VALUES: one a line; says which is none
    printf '%s\n' "$1" | awk -f "$here/networks.awk"
}

trusted() { # one a line
    networks "$trusted_proxies" || refuse TRUSTED_PROXIES "$trusted_proxies" \
        "addresses and networks such as 10.0.0.7, 10.1.0.0/16 or fd00::/8, separated by commas or spaces; never /0"
}

check() {
    prefix API_V1_STR "$API_V1_STR"
    number BACKEND_UPLOAD_LIMIT "$BACKEND_UPLOAD_LIMIT" 1 4096
    [ -z "$DOMAIN_NAME" ] || domain DOMAIN_NAME "$DOMAIN_NAME"
    number HTTPS_PORT "$HTTPS_PORT" 1 65535
    address NGINX_ADDRESS "$NGINX_ADDRESS"
    number NGINX_HTTP_PORT "$NGINX_HTTP_PORT" 1 65535
    number NGINX_HTTPS_PORT "$NGINX_HTTPS_PORT" 1 65535
    number NGINX_HEALTH_PORT "$NGINX_HEALTH_PORT" 1 65535
    place NGINX_BACKEND "$NGINX_BACKEND"
    place NGINX_FRONTEND "$NGINX_FRONTEND"
    case $NGINX_RESOLVER in
        *:*) place NGINX_RESOLVER "$NGINX_RESOLVER" ;;
        *) address NGINX_RESOLVER "$NGINX_RESOLVER" ;;
    esac
    folder NGINX_CERTIFICATES "$NGINX_CERTIFICATES"
    folder NGINX_FOLDER "$NGINX_FOLDER"
}

has_certificate() {
    [ -n "$DOMAIN_NAME" ] || return 1
    for file in fullchain.pem privkey.pem; do
        path=$NGINX_CERTIFICATES/$DOMAIN_NAME/$file
        if [ ! -r "$path" ] || [ ! -s "$path" ]; then
            say "no HTTPS: DOMAIN_NAME is $DOMAIN_NAME, and user $(id -u) cannot read $path (or it is not there, or empty). Plain HTTP until it is, and nginx is started again"
            return 1
        fi
    done
}

# Only these are put in: nginx's own $variables stay as they are.
render() { # TEMPLATE
    # shellcheck disable=SC2016 # they are names for envsubst
    envsubst '${API_V1_STR} ${BACKEND_UPLOAD_LIMIT} ${DOMAIN_NAME} ${NGINX_ADDRESS}
        ${NGINX_BACKEND} ${NGINX_CERTIFICATES} ${NGINX_FOLDER} ${NGINX_FRONTEND}
        ${NGINX_HEALTH_PORT} ${NGINX_HTTPS_PORT} ${NGINX_HTTP_PORT} ${NGINX_RESOLVER}
        ${HTTP2_DIRECTIVE} ${HTTP2_PARAMETER} ${PUBLIC_PORT}' \
        <"$here/templates/$1.conf" >"$NGINX_FOLDER/$1.conf"
}

# Since 1.25.1 HTTP/2 is a directive, and the parameter of `listen` a warning.
choose_http2() {
    version=$(nginx -v 2>&1 | sed 's/.*nginx\/\([0-9]*\)\.\([0-9]*\)\.\([0-9]*\).*/\1 \2 \3/')
    # shellcheck disable=SC2086 # three words
    set -- $version
    if [ $(($1 * 1000000 + $2 * 1000 + $3)) -ge 1025001 ]; then
        export HTTP2_DIRECTIVE="http2 on;" HTTP2_PARAMETER=""
    else
        export HTTP2_DIRECTIVE="" HTTP2_PARAMETER=" http2"
    fi
}

write_trusted() { # one a line
    : >"$NGINX_FOLDER/trusted.conf"
    : >"$NGINX_FOLDER/trusted-geo.conf"
    for network in $1; do
        echo "set_real_ip_from $network;" >>"$NGINX_FOLDER/trusted.conf"
        echo "$network 1;" >>"$NGINX_FOLDER/trusted-geo.conf"
    done
}

check
networks=$(trusted)
mkdir -p "$NGINX_FOLDER"
export PUBLIC_PORT=""
[ "$HTTPS_PORT" -eq 443 ] || PUBLIC_PORT=:$HTTPS_PORT
choose_http2
write_trusted "$networks"
for template in nginx acme backend common headers problems; do
    render "$template"
done
if has_certificate; then
    render https
    mv "$NGINX_FOLDER/https.conf" "$NGINX_FOLDER/site.conf"
else
    render http
    mv "$NGINX_FOLDER/http.conf" "$NGINX_FOLDER/site.conf"
fi

nginx -t -q -e stderr -c "$NGINX_FOLDER/nginx.conf"
[ "${1:-}" != --test ] || exit 0
exec nginx -e stderr -c "$NGINX_FOLDER/nginx.conf" -g 'daemon off;'
