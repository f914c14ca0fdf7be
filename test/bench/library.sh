# shellcheck shell=bash
# duet's library against ENet, SRT, usrsctp and ngtcp2: one program for each (test/bench/library), by turns.

# Programs as they are shown, with the options that make them so.
LIBRARY_OPTIONS=('' '' '' --secret '' '' --bulk)
LIBRARY_NAMES=(duet enet srt 'srt, passphrase' usrsctp ngtcp2 'duet, bulk stream')

library_member() { # library_member FILE NAME: of the JSON line in it
    sed -n "s/^{\"library\".*\"$2\":\([-0-9.e+]*\).*/\1/p" "$1"
}

# library_run INDEX WORK AMOUNT SERVER_HOST CLIENT_HOST ADDRESS [OPTION...]: leaves $W/library.server and .client
library_run() {
    local name=${LIBRARY_NAMES[$1]} work=$2 amount=$3 at=$4 from=$5 address=$6 options=() port server
    read -ra options <<<"${LIBRARY_OPTIONS[$1]}"
    options+=("${@:7}")
    port=$(free_port)
    spawn "$at" "$BUILD/test/library/${name%%,*}" "${options[@]}" serve "$work" "$address" "$port" "$amount" \
        >"$W/library.server" 2>"$W/library.log"
    server=$LAST_PID
    await "$W/library.server" '^ready' "$server" || return 1
    if ! on "$from" "$BUILD/test/library/${name%%,*}" "${options[@]}" call "$work" "$address" "$port" "$amount" \
        >"$W/library.client" 2>>"$W/library.log"; then
        stop "$server"
        note "$name, $work: $(tail -n 1 "$W/library.log")"
        return 1
    fi
    reap "$server" || { note "$name, $work: server: $(tail -n 1 "$W/library.log")"; return 1; }
}

# Each adds to FIGURES, whose keys are "INDEX FIGURE".
library_stream() { # library_stream INDEX BYTES SERVER_HOST CLIENT_HOST ADDRESS [OPTION...]
    local index=$1 bytes=$2
    shift 2
    library_run "$index" stream "$bytes" "$@" || return 1
    FIGURES["$index rate"]+=" $(library_member "$W/library.client" gbit_per_s)"
    FIGURES["$index cpu"]+=" $(calc "($(library_member "$W/library.client" cpu_s) + $(library_member "$W/library.server" cpu_s)) * 1e9 / $bytes")"
}

library_ping() { # library_ping INDEX COUNT
    # SRT's take tens of milliseconds each.
    [[ ${LIBRARY_NAMES[$1]} != srt* ]] || set -- "$1" $(($2 / 20))
    library_run "$1" ping "$2" lo lo 127.0.0.1 || return 1
    FIGURES["$1 p50"]+=" $(library_member "$W/library.client" p50_us)"
    FIGURES["$1 p99"]+=" $(library_member "$W/library.client" p99_us)"
}

library_conns() { # library_conns INDEX COUNT
    library_run "$1" conns "$2" lo lo 127.0.0.1 || return 1
    local began
    began=$(library_member "$W/library.client" began_ns)
    FIGURES["$1 stood"]+=" $(awk "BEGIN { c = $(library_member "$W/library.client" stood_ns); s = $(library_member "$W/library.server" stood_ns)
        printf \"%.4g\", ((c > s ? c : s) - $began) / 1e6 }")"
    FIGURES["$1 each"]+=" $(calc "$(library_member "$W/library.server" bytes_each) / 1024")"
}

# library_by_turns FUNCTION [ARGUMENT...]: REPEAT times each library that is here
library_by_turns() {
    local i index measure=$1 # the bulk stream is one of the ways to send a stream, no more
    shift
    FIGURES=()
    for ((i = 0; i < REPEAT; i++)); do
        for index in "${!LIBRARY_NAMES[@]}"; do
            [[ $measure != library_stream && ${LIBRARY_OPTIONS[index]} = --bulk ]] || quietly "$measure" "$index" "$@"
        done
    done
}

library_record() { # library_record CASE UNIT FIGURE
    local index
    for index in "${!LIBRARY_NAMES[@]}"; do
        [ "$index" = 0 ] || [ -z "${FIGURES["$index $3"]:-}" ] || record library "$1" "$2" "${FIGURES["0 $3"]:-}" "${LIBRARY_NAMES[index]}" "${FIGURES["$index $3"]:-}"
    done
}

library_work_stream() { # … BYTES
    library_by_turns library_stream "$1" lo lo 127.0.0.1
    library_record "stream, loopback" Gbit/s rate
    library_record "… CPU, both ends" s/GB cpu
}

library_work_path() { # … BYTES: the same where datagrams are of one size
    need_link "library over veth" || return 0
    veth_up 1468 || return 1
    library_by_turns library_stream "$1" b a "$NET_B_IP" --packet 1440
    net_down
    library_record "stream, datagrams of 1440 B" Gbit/s rate
    library_record "… CPU, both ends" s/GB cpu
}

library_work_ping() {
    local count=5000
    [ "$QUICK" = false ] || count=1000
    library_by_turns library_ping $count
    library_record "100 bytes there and back, p50" us p50
    library_record "… p99" us p99
}

library_work_conns() {
    library_by_turns library_conns 1000
    library_record "1000 connections stand" ms stood
    library_record "… memory of the server, each" KiB each
}

bench_library() {
    local index work bytes=1000000000
    local -A FIGURES
    [ "$QUICK" = false ] || bytes=100000000
    for index in "${!LIBRARY_NAMES[@]}"; do
        [ -x "$BUILD/test/library/${LIBRARY_NAMES[index]%%,*}" ] && continue
        note "no ${LIBRARY_NAMES[index]} here: not compared (scripts/deps bench)"
        unset "LIBRARY_NAMES[index]"
    done
    for work in $LIBRARY_WORKS; do
        case $work in
        stream | path | ping | conns) "library_work_$work" $bytes ;;
        *) note "library: what is $work?" ;;
        esac
    done
}
