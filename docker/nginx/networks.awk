# Addresses and networks, separated by commas or blanks, one a line; names the first that is none.

function is_number(text, least, most) {
    return text ~ /^(0|[1-9][0-9]*)$/ && length(text) < 4 && text + 0 >= least && text + 0 <= most
}

function is_ipv4(text,    parts, at) {
    if (split(text, parts, ".") != 4) return 0
    for (at = 1; at <= 4; at++) if (!is_number(parts[at], 0, 255)) return 0
    return 1
}

# How many groups a part of an IPv6 address has; -1 if it is no such part.
function groups(text,    parts, count, at) {
    if (text == "") return 0
    count = split(text, parts, ":")
    for (at = 1; at <= count; at++)
        if (parts[at] !~ /^[0-9A-Fa-f]+$/ || length(parts[at]) > 4) return -1
    return count
}

function is_ipv6(text,    halves, count, before, after) {
    count = split(text, halves, "::")
    if (count > 2 || text !~ /:/) return 0
    before = groups(halves[1])
    if (text !~ /::/) return before == 8
    after = groups(halves[2])
    return before >= 0 && after >= 0 && before + after < 8
}

# /0 would be everybody: then an address of the client's own making would count.
function is_network(text,    slash, host, most) {
    slash = index(text, "/")
    host = slash ? substr(text, 1, slash - 1) : text
    if (is_ipv4(host)) most = 32
    else if (is_ipv6(host)) most = 128
    else return 0
    return !slash || is_number(substr(text, slash + 1), 1, most)
}

{
    gsub(/,/, " ")
    for (field = 1; field <= NF; field++) {
        if (!is_network($field)) {
            gsub(/[^ -~]/, "", $field)
            print "nginx: \"" $field "\" is no address and no network" | "cat 1>&2"
            exit 1
        }
        print $field
    }
}
