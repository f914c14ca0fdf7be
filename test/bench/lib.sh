# shellcheck shell=bash disable=SC2034,SC2086 # numbers and lists, split on purpose
# test/bench/lib.sh: how the benchmarks measure and record; sourced by test/bench/run, which sets W, OUT and the options.
#
#   HOST is lo (here), a or b (the namespaces of test/net/lib.sh).  Whatever is started here is in PIDS until it ended,
#   and nothing else is ever killed.

PIDS=()
TABLE=()
LAST_PID=

note() { echo "bench: $*" >&2; }

# ---- processes

enter_of() { # sets ENTER, the words that make a command run at HOST; nsenter becomes the command, so its pid stays
    case $1 in
    lo) ENTER=() ;;
    a) ENTER=(nsenter --net="/run/netns/$NET_A") ;;
    b) ENTER=(nsenter --net="/run/netns/$NET_B") ;;
    esac
}

spawn() { # spawn HOST COMMAND... [redirections]: in the background, LAST_PID is COMMAND's own pid
    local ENTER
    enter_of "$1"
    shift
    "${ENTER[@]}" "$@" <&0 & # else the shell would give it /dev/null
    LAST_PID=$!
    PIDS+=("$LAST_PID")
}

on() { # on HOST COMMAND...: in the foreground
    local ENTER
    enter_of "$1"
    shift
    "${ENTER[@]}" "$@"
}

alive() { kill -0 "$1" 2>/dev/null; }

ends_in() { # ends_in PID SECONDS: waits for its end; false if it lives on
    local began=$SECONDS
    while alive "$1"; do
        [ $((SECONDS - began)) -lt "$2" ] || return 1
        sleep 0.05
    done
}

reap() { # reap PID [SECONDS]: waits so long (default 10) for its end, then ends it; its status
    local pid=$1 left=$((${2:-10} * 20)) p keep=() status
    while alive "$pid" && [ $((left -= 1)) -gt 0 ]; do sleep 0.05; done
    if alive "$pid"; then
        kill -TERM "$pid" 2>/dev/null
        left=100
        while alive "$pid" && [ $((left -= 1)) -gt 0 ]; do sleep 0.05; done
        kill -KILL "$pid" 2>/dev/null
    fi
    wait "$pid" 2>/dev/null
    status=$?
    for p in "${PIDS[@]}"; do [ "$p" = "$pid" ] || keep+=("$p"); done
    PIDS=("${keep[@]}")
    return $status
}

stop() { # stop PID: now
    kill -TERM "$1" 2>/dev/null
    reap "$1" 5 || true
}

await() { # await FILE PATTERN PID [SECONDS]: until the pattern is in the file and the process still lives
    local left=$((${4:-10} * 50))
    until grep -q -- "$2" "$1" 2>/dev/null; do
        if ! alive "$3" || [ $((left -= 1)) -le 0 ]; then
            note "'$2' did not come: $(tail -n 2 "$1" 2>/dev/null | tr '\n' ' ')"
            return 1
        fi
        sleep 0.02
    done
}

clean_up() {
    local pid
    for pid in "${PIDS[@]}"; do kill -TERM "$pid" 2>/dev/null; done
    for pid in "${PIDS[@]}"; do reap "$pid" 3 || true; done
    net_down
    [ -z "${MADE_RUN_SSHD:-}" ] || rmdir /run/sshd 2>/dev/null
    rm -rf "$W"
}

# ---- a machine of one's own

# "STOLEN ALL": what the hypervisor gave to others and all there was, of every processor, in ticks since the boot
processor_ticks() { awk '$1 == "cpu" { for (i = 2; i <= 9; i++) all += $i; print $9, all }' /proc/stat; }

# stolen_since "STOLEN ALL": per cent since then
stolen_since() {
    local before after
    read -ra before <<<"$1"
    read -ra after <<<"$(processor_ticks)"
    awk "BEGIN { all = ${after[1]} - ${before[1]}; printf \"%.3g\", (all > 0 ? 100 * (${after[0]} - ${before[0]}) / all : 0) }"
}

# quietly COMMAND...: again, QUIET_TRIES times at most, while more than STOLEN_MAX per cent was stolen; its last status.
# Whoever is measured: what it got of the machine is not known before, and not its merit.
quietly() {
    local try before status stolen
    for ((try = 1; try <= QUIET_TRIES; try++)); do
        before=$(processor_ticks)
        "$@"
        status=$?
        stolen=$(stolen_since "$before")
        awk "BEGIN { exit !($stolen > $STOLEN_MAX) }" || return $status
        [ $try = $QUIET_TRIES ] || note "$stolen % stolen: again"
    done
    return $status
}
QUIET_TRIES=4

# ---- numbers

calc() { awk "BEGIN { printf \"%.6g\", $1 }"; }

median() { # median NUMBERS...
    printf '%s\n' "$@" | sort -g | awk '{ v[NR] = $1 } END { print NR % 2 ? v[(NR + 1) / 2] : (v[NR / 2] + v[NR / 2 + 1]) / 2 }'
}

percentile() { # percentile P <numbers, one a line: the nearest rank
    sort -g | awk -v p="$1" '{ v[NR] = $1 } END { if (NR) { i = int((NR * p + 99) / 100); print v[i < 1 ? 1 : i] } }'
}

json_text() { printf '"%s"' "$(printf '%s' "$1" | tr -d '\000-\037' | sed 's/[\\"]/\\&/g')"; }
json_list() { printf '[%s]' "$(echo "$@" | tr -s ' ' ',')"; }

# record SECTION CASE UNIT "OURS..." ANCHOR "THEIRS..." [EXTRA JSON MEMBERS]
#   One line in $OUT and one row of the table: medians, and ours ÷ theirs.  ANCHOR - : there is none.
record() {
    local ours theirs ratio=null shown=-
    if [ -z "${4// /}" ]; then
        note "$1, $2: no figure"
        return
    fi
    ours=$(median $4)
    theirs=null
    if [ -n "${6// /}" ]; then
        theirs=$(median $6)
        ratio=$(awk "BEGIN { if ($theirs > 0) printf \"%.3f\", $ours / $theirs; else print \"null\" }")
        shown=$ratio
    fi
    printf '{"section":%s,"case":%s,"unit":%s,"duet":%s,"runs":%s,"anchor":%s,"anchor_figure":%s,"anchor_runs":%s,"ratio":%s,"cc":%s,"quick":%s%s}\n' \
        "$(json_text "$1")" "$(json_text "$2")" "$(json_text "$3")" "$ours" "$(json_list $4)" "$(json_text "$5")" \
        "$theirs" "$(json_list $6)" "$ratio" "$(json_text "$CC_SHOWN")" "$QUICK" "${7:+,$7}" >>"$OUT"
    TABLE+=("$(row "$1" "$2" "$ours" "$3" "$5" "$theirs" "$shown")")
    note "${TABLE[-1]}"
}

row() { # 3 and 6 are numbers, or words
    local f
    for f in 3 6; do
        case ${!f} in *[!0-9.e+-]* | '') ;; *) set -- "${@:1:f-1}" "$(awk "BEGIN { printf \"%.4g\", ${!f} }")" "${@:f+1}" ;; esac
    done
    printf '%-9s %-34s %10s %-9s %-26s %10s %7s' "$1" "$2" "$3" "$4" "$5" "${6/null/-}" "$7"
}

# ---- files

data() { # data BYTES: the path of a file of so many random bytes
    local path=$W/data-$1
    [ -f "$path" ] || head -c "$1" /dev/urandom >"$path"
    echo "$path"
}

# warm_memory FILE: takes twice as much memory as a copy of it needs, and gives it back.  A virtual machine returns what has
# been free for some seconds to its host, and who takes it again pays up to two seconds for each GB: as much as the copy
# itself.  Twice, for the kernel does not always hand out first what it got back last.
warm_memory() {
    head -c $(($(stat -c %s "$1") * 2)) /dev/zero >"$W/warm"
    rm "$W/warm"
}

written() { # written DIR: bytes of the part files in it that are on the disk
    local blocks total=0
    for blocks in $(stat -c %b "$1"/.duet-part-* "$1"/data-* 2>/dev/null); do total=$((total + blocks)); done
    echo $((total * 512))
}

took() { # took FILE wall|cpu|rss|began: a figure of timed's, in s or KiB
    local wall cpu rss status began
    read -r wall cpu rss status began <"$1" || return 1
    case $2 in
    wall) calc "$wall / 1e6" ;;
    cpu) calc "$cpu / 1e6" ;;
    rss) echo "$rss" ;;
    began) awk "BEGIN { printf \"%.6f\", $began / 1e6 }" ;;
    esac
}

free_port() {
    local port
    while :; do
        port=$((20000 + RANDOM % 12000))
        ss -Htuln 2>/dev/null | grep -q ":$port " || break
    done
    echo $port
}

# ---- duet

# recv_start HOST OUT_DIR [OPTION...]: a receiver that waits; RECV_PID, RECV_PORT.  Its figures: $OUT_DIR.t
recv_start() {
    local host=$1 out=$2
    shift 2
    rm -rf "$out"
    mkdir -p "$out"
    spawn "$host" "$TIMED" "$out.t" "$DUET" recv -y --accept-new -4 -p 0 --home "$out.home" "${CC[@]}" -o "$out" "$@" \
        >"$out.out" 2>"$out.err" </dev/null
    RECV_PID=$LAST_PID
    await "$out.err" '^listening on' "$RECV_PID" || return 1
    RECV_PORT=$(sed -n 's/^listening on .*:\([0-9]*\)$/\1/p' "$out.err" | head -n 1)
}

# send_start HOST ADDRESS:PORT NAME FILE... : a sender in the background; SEND_PID.  Its figures: $W/NAME.t
send_start() {
    local host=$1 to=$2 name=$3
    shift 3
    spawn "$host" "$TIMED" "$W/$name.t" "$DUET" send --accept-new -4 -p 0 --home "$W/$name.home" "${CC[@]}" \
        "${SEND_OPTIONS[@]}" -c "$to" "$@" >"$W/$name.out" 2>"$W/$name.err" </dev/null
    SEND_PID=$LAST_PID
}

# transfer FROM TO ADDRESS FILE LIMIT_S: one file to a fresh receiver in $W/in.  XFER_S from the start of the send
# process to its exit, CONFIRMED_S to its "sent" line, which it prints when the receiver has verified and stored the
# file (to 4 ms, as files' times are), XFER_BYTES delivered, XFER_DONE yes|no (the limit came first), XFER_CPU_S and
# XFER_RSS of both.
transfer() {
    local from=$1 to=$2 address=$3 file=$4 limit=$5
    recv_start "$to" "$W/in" || return 1
    send_start "$from" "$address:$RECV_PORT" out "$file"
    XFER_DONE=yes
    ends_in "$SEND_PID" "$limit" || XFER_DONE=no
    if [ $XFER_DONE = yes ]; then
        reap "$SEND_PID" || { note "send failed: $(tail -n 1 "$W/out.err")"; stop "$RECV_PID"; return 1; }
        reap "$RECV_PID" || { note "recv failed: $(tail -n 1 "$W/in.err")"; return 1; }
        XFER_BYTES=$(stat -c %s "$file")
        [ "$(stat -c %s "$W/in/${file##*/}")" = "$XFER_BYTES" ] || { note "not what was sent"; return 1; }
    else
        XFER_BYTES=$(written "$W/in")
        stop "$SEND_PID"
        stop "$RECV_PID"
    fi
    CONFIRMED_S=$(took "$W/out.t" wall)
    XFER_S=$CONFIRMED_S
    if [ $XFER_DONE = yes ]; then
        tail -n 1 "$W/out.err" | grep -q '^sent ' || { note "no word of delivery"; return 1; }
        CONFIRMED_S=$(calc "$(stat -c %.6Y "$W/out.err") - $(took "$W/out.t" began)")
    fi
    XFER_CPU_S=$(calc "$(took "$W/out.t" cpu) + $(took "$W/in.t" cpu)")
    XFER_RSS=$(printf '%s\n' "$(took "$W/out.t" rss)" "$(took "$W/in.t" rss)" | sort -n | tail -n 1)
    rm -rf "$W/in"
}

# ---- TCP through the same link

iperf_server() { # iperf_server HOST PORT [OPTION...]: for one client; LAST_PID
    local host=$1 port=$2
    shift 2
    spawn "$host" iperf3 -s -1 -p "$port" --forceflush "$@" >"$W/iperf-server.log" 2>&1 </dev/null
    await "$W/iperf-server.log" 'Server listening' "$LAST_PID"
}

# iperf_rate LOG FROM_S: Mbit/s, the mean of the client's one-second intervals that begin at FROM_S or later
iperf_rate() {
    awk -v from="$2" '/sender|receiver/ { next } $2 == "5]" && $3 ~ /^[0-9.]+-[0-9.]+$/ {
        split($3, t, "-")
        if (t[1] >= from && t[2] - t[1] > 0.9) for (i = 4; i < NF; i++) if ($(i + 1) == "Mbits/sec") { sum += $i; n++ }
    } END { if (n) printf "%.4g", sum / n }' "$1"
}

tcp_rate() { # tcp_rate CONTROLLER SECONDS: Mbit/s a → b as the receiver counted it; nothing if that failed
    local server
    have_tcp "$1" || return 0
    iperf_server b 5201 -f m || return 0
    server=$LAST_PID
    on a timeout $(($2 + 20)) iperf3 -c "$NET_B_IP" -p 5201 -C "$1" -t "$2" -f m >"$W/iperf.log" 2>&1 || true
    reap "$server" 5 || true
    awk '/receiver/ { for (i = 3; i < NF; i++) if ($(i + 1) == "Mbits/sec") r = $i } END { if (r != "") print r }' "$W/iperf.log"
}

link_tcp() { # link_tcp CONTROLLER SECONDS KNOB...: TCP alone over a fresh link; GOODPUT, empty if that failed
    local controller=$1 seconds=$2
    shift 2
    link_up "$@" && GOODPUT=$(tcp_rate "$controller" "$seconds")
}

kernel_has() { grep -qw "$1" /proc/sys/net/ipv4/tcp_available_congestion_control; } # kernel_has CONTROLLER

have_tcp() { # have_tcp CONTROLLER: is iperf3 here and has the kernel got it?
    command -v iperf3 >/dev/null && kernel_has "$1"
}

say_missing() { # once, what there is to compare with and is not here
    local what
    for what in cubic bbr; do
        have_tcp $what || note "no TCP $what here (iperf3, or the kernel module tcp_$what, is missing): not compared"
    done
    for what in scp sshd kcptun-client kcptun-server openssl; do
        command -v $what >/dev/null || note "no $what here: not compared"
    done
}

need_link() { # true if namespaces and TUN devices can be made
    (net_need_root >/dev/null) && return 0
    note "$1: skipped, needs root and /dev/net/tun"
    return 1
}

link_up() { # link_up KNOB...: a fresh link with a seed of its own
    net_down
    LINK_SEED=$((LINK_SEED + 1))
    net_up --seed $LINK_SEED "$@"
    trap clean_up EXIT # net_up has put its own there
}
LINK_SEED=0
