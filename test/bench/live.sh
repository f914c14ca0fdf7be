# shellcheck shell=bash disable=SC2034,SC2086,SC2153 # numbers and lists, split on purpose
# What a user notices beyond throughput: chat under load, the way back from nothing, an address that changes, idling.

# chat_pair HOST_A HOST_B ADDRESS COUNT: two chats in plain mode, A connected to B.  CHAT_A, CHAT_B: their pids; CHAT_IN:
# A's stdin as a descriptor.  CHAT_EAR hears B until COUNT texts came, their ages go to $W/chat-ages.
chat_pair() {
    local a=$1 b=$2 address=$3 count=$4 port
    rm -rf "$W"/chat-* && mkdir "$W/chat-b.in" && mkfifo "$W"/chat-{in,hold,said} || return 1
    port=$(free_port)
    # Opened both ways: nobody waits for the other end, and B's input has no end, which would be a goodbye.
    exec {CHAT_IN}<>"$W/chat-in" {CHAT_HOLD}<>"$W/chat-hold" {CHAT_SAID}<>"$W/chat-said"
    spawn lo "$CHATTER" hear "$count" 20 <&"$CHAT_SAID" >"$W/chat-ages"
    CHAT_EAR=$LAST_PID
    spawn "$b" "$DUET" chat --plain --accept-new -4 -y -p "$port" --home "$W/chat-b.home" "${CC[@]}" -o "$W/chat-b.in" \
        <&"$CHAT_HOLD" >&"$CHAT_SAID" 2>"$W/chat-b.err"
    CHAT_B=$LAST_PID
    sleep 0.5
    spawn "$a" "$DUET" chat --plain --accept-new -4 -p 0 --home "$W/chat-a.home" "${CC[@]}" "$address:$port" \
        <&"$CHAT_IN" >"$W/chat-a.out" 2>"$W/chat-a.err"
    CHAT_A=$LAST_PID
    await "$W/chat-a.out" '^\* connected' "$CHAT_A" 20
}

chat_end() {
    stop "$CHAT_A"
    stop "$CHAT_B"
    stop "$CHAT_EAR"
    exec {CHAT_IN}>&- {CHAT_HOLD}>&- {CHAT_SAID}>&-
    rm -rf "$W"/chat-*
}

# chat_run LOSS COUNT FILES: P50, P99 in ms of COUNT texts, one every 200 ms; LOST of them did not come
chat_run() {
    local loss=$1 count=$2 files=$3 i file heard
    link_up 'rate 100M' 'delay 50ms' "queue $(bdp_bytes 100 100)" "loss $loss" || return 1
    chat_pair a b "$NET_B_IP" "$count" || { chat_end; return 1; }
    for ((i = 1; i <= files; i++)); do
        # Enough for the whole run at the full rate of the link.
        file=$W/chat-file-$i
        ln -f "$(data $((count * 1000000)))" "$file"
        echo "/send $file" >&"$CHAT_IN"
    done
    sleep 2
    "$CHATTER" say "$count" 200 >&"$CHAT_IN"
    reap "$CHAT_EAR" 20 || true
    heard=$(wc -l <"$W/chat-ages")
    P50=$(percentile 50 <"$W/chat-ages") P99=$(percentile 99 <"$W/chat-ages")
    LOST=$((count - heard))
    chat_end
    [ "$heard" -gt 0 ] || return 1
    P50=$(calc "$P50 / 1000") P99=$(calc "$P99 / 1000")
}

bench_chat() {
    local count=200 loss i p50 p99 quiet50 quiet99 lost
    need_link chat || return 0
    [ $QUICK = false ] || count=60
    for loss in 0 5 20; do
        p50='' p99='' quiet50='' quiet99='' lost=0
        for ((i = 0; i < REPEAT; i++)); do
            quietly chat_run $loss $count 0 && quiet50+=" $P50" quiet99+=" $P99"
            quietly chat_run $loss $count 3 && p50+=" $P50" p99+=" $P99" lost=$((lost + LOST))
        done
        net_down
        record chat "p50 beside 3 files, loss $loss %" ms "$p50" "duet, no files" "$quiet50" "\"lost\":$lost"
        record chat "p99 beside 3 files, loss $loss %" ms "$p99" "duet, no files" "$quiet99" "\"lost\":$lost"
    done
}

# hole_duet: BACK_S from the end of 10 s of nothing to the first new bytes in the file
hole_duet() {
    local file part back
    file=$(data 250000000)
    link_up 'rate 100M' 'delay 25ms' "queue $(bdp_bytes 100 50)" || return 1
    recv_start b "$W/in" && send_start a "$NET_B_IP:$RECV_PORT" out "$file"
    sleep 3
    net_ctl 'hole both on' >/dev/null
    sleep 10
    part=$(compgen -G "$W/in/.duet-part-*" | head -n 1)
    net_ctl 'hole both off' >/dev/null
    back=$([ -z "$part" ] || "$CHATTER" grows "$part" 60)
    stop "$SEND_PID"
    stop "$RECV_PID"
    rm -rf "$W/in"
    [ -n "$back" ] && BACK_S=$(calc "$back / 1e6")
}

# hole_tcp CONTROLLER: the same by the receiver's intervals of 0.1 s
hole_tcp() {
    local server client
    have_tcp "$1" || return 1
    link_up 'rate 100M' 'delay 25ms' "queue $(bdp_bytes 100 50)" || return 1
    iperf_server b 5201 -i 0.1 -f m || return 1
    server=$LAST_PID
    spawn a iperf3 -c "$NET_B_IP" -p 5201 -C "$1" -t 45 >/dev/null 2>&1
    client=$LAST_PID
    sleep 3
    net_ctl 'hole both on' >/dev/null
    sleep 10
    net_ctl 'hole both off' >/dev/null
    sleep 25
    stop "$client"
    stop "$server"
    BACK_S=$(awk '$2 == "5]" && $3 ~ /^[0-9.]+-[0-9.]+$/ { split($3, t, "-"); if (t[2] - t[1] > 0.5) next
        if ($5 == "0.00") { if (!n++) from = t[1] } else { if (n > 50) { print t[1] - from - 10; exit } n = 0 } }' \
        "$W/iperf-server.log")
    [ -n "$BACK_S" ]
}

bench_hole() {
    local ours='' theirs='' i
    need_link hole || return 0
    for ((i = 0; i < REPEAT; i++)); do
        hole_duet && ours+=" $BACK_S"
        [ $i -gt 0 ] || { hole_tcp cubic && theirs=$BACK_S; }
    done
    net_down
    record hole "after 10 s of nothing: first bytes" s "$ours" "kernel TCP, CUBIC" "$theirs"
}

# rebind_run INTERVAL_MS BYTES: XFER_S through the relay, REBINDS
rebind_run() {
    local relay port file
    file=$(data "$2")
    port=$(free_port)
    recv_start lo "$W/in" || return 1
    spawn lo "$RELAY" "$port" "$RECV_PORT" "$1" >"$W/relay.log"
    relay=$LAST_PID
    await "$W/relay.log" ready "$relay" || return 1
    SEND_OPTIONS=(--limit 5MB)
    send_start lo "127.0.0.1:$port" out "$file"
    SEND_OPTIONS=()
    reap "$SEND_PID" 180 || { note "send failed: $(tail -n 1 "$W/out.err")"; stop "$RECV_PID"; stop "$relay"; return 1; }
    reap "$RECV_PID" 20 || true
    stop "$relay"
    rm -rf "$W/in"
    REBINDS=$(tail -n 1 "$W/relay.log")
    XFER_S=$(took "$W/out.t" wall)
}

bench_rebind() {
    local bytes=100000000 i ours='' still='' rebinds=0
    [ $QUICK = false ] || bytes=50000000
    for ((i = 0; i < REPEAT; i++)); do
        rebind_run 5000 $bytes && ours+=" $XFER_S" rebinds=$REBINDS
        [ $i -gt 0 ] || { rebind_run 0 $bytes && still=$XFER_S; }
    done
    record rebind "$(calc "$bytes / 1e6") MB at 5 MB/s, new port each 5 s" s "$ours" "duet, same port" "$still" "\"rebinds\":$rebinds"
}

wakeups() { # wakeups PID: voluntary context switches of all its threads so far
    cat /proc/"$1"/task/*/status 2>/dev/null | awk '/^voluntary_ctxt_switches/ { n += $2 } END { print n + 0 }'
}
rss_kib() { awk '/^VmRSS/ { print $2 }' "/proc/$1/status"; }

# idle_of PID SECONDS: IDLE_WAKES a second, IDLE_MIB
idle_of() {
    local before began=$EPOCHREALTIME
    before=$(wakeups "$1")
    sleep "$2"
    IDLE_WAKES=$(calc "($(wakeups "$1") - $before) / ($EPOCHREALTIME - $began)")
    IDLE_MIB=$(calc "$(rss_kib "$1") / 1024")
}

idle_ssh() { # an idle ssh session with a sign of life every 5 s
    local server client
    ssh_set_up && sshd_start || return 1
    server=$LAST_PID
    spawn lo ssh -N -v "${SSH_OPTIONS[@]}" -o LogLevel=VERBOSE -o ServerAliveInterval=5 -p "$SSH_PORT" 127.0.0.1 \
        2>"$W/ssh.log" </dev/null
    client=$LAST_PID
    await "$W/ssh.log" '^Authenticated' "$client" && sleep 2 && idle_of "$client" "$1"
    local status=$?
    stop "$client"
    stop "$server"
    return $status
}

# idle_after BYTES: IDLE_AFTER_MIB of the chat that sent a file of that size to the other, once it is idle again
idle_after() {
    echo "/send $(data "$1")" >&"$CHAT_IN"
    await "$W/chat-a.out" '^\* sent' "$CHAT_A" 60 || return 1
    sleep 4
    IDLE_AFTER_MIB=$(calc "$(rss_kib "$CHAT_A") / 1024")
}

bench_idle() {
    local seconds=30 i wakes='' mib='' after='' ssh_wakes='' ssh_mib=''
    [ $QUICK = false ] || seconds=10
    for ((i = 0; i < REPEAT; i++)); do
        chat_pair lo lo 127.0.0.1 1 && sleep 2 && idle_of "$CHAT_A" $seconds && wakes+=" $IDLE_WAKES" mib+=" $IDLE_MIB" &&
            idle_after 200000000 && after+=" $IDLE_AFTER_MIB"
        chat_end
        idle_ssh $seconds && ssh_wakes+=" $IDLE_WAKES" ssh_mib+=" $IDLE_MIB"
    done
    record idle "wake-ups of an idle peer" 1/s "$wakes" "ssh -N, alive every 5 s" "$ssh_wakes"
    record idle "memory, idle after sending 200 MB" MiB "$after" "before" "$mib"
    record idle "memory of an idle peer" MiB "$mib" "ssh -N, alive every 5 s" "$ssh_mib"
}
