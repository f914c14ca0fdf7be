# shellcheck shell=bash disable=SC2086,SC2153 # numbers and lists, split on purpose
# Emulated links (test/net): goodput of one file from the start of the send process to confirmed delivery, and what it
# wasted.

headers=0.955 # share of the link that is file bytes at MTU 1500: IP, UDP and our own framing take the rest

bdp_bytes() { awk "BEGIN { printf \"%d\", $1 * 1e6 / 8 * $2 / 1000 }"; } # MBIT RTT_MS

# link_file BYTES LIMIT_S KNOB...: duet over a fresh link.  GOODPUT in Mbit/s, by the limit if it was not done;
# WASTE: bytes that arrived beyond those needed, in per cent of them (nothing if not done).
link_file() {
    local file ab
    file=$(data "$1")
    local limit=$2
    shift 2
    link_up "$@" || return 1
    transfer a b "$NET_B_IP" "$file" "$limit" || return 1
    GOODPUT=$(calc "$XFER_BYTES * 8 / 1e6 / $CONFIRMED_S")
    ab=$(net_stat ab out_bytes)
    WASTE=
    [ $XFER_DONE = no ] || WASTE=$(calc "100 * ($ab * $headers / $XFER_BYTES - 1)")
}

# kcptun_rate SECONDS: Mbit/s of TCP inside kcptun through the link that is up; nothing without kcptun
kcptun_rate() {
    local client server iperf pids=() common=(-mode fast3 -nocomp -datashard 0 -parityshard 0 -sndwnd 2048 -rcvwnd 2048)
    client=$(command -v kcptun-client) && server=$(command -v kcptun-server) || return 0
    iperf_server b 5202 -f m || return 0
    iperf=$LAST_PID
    spawn b "$server" -t 127.0.0.1:5202 -l :4000 "${common[@]}" >"$W/kcptun-server.log" 2>&1
    pids+=("$LAST_PID")
    spawn a "$client" -r "$NET_B_IP:4000" -l 127.0.0.1:5203 "${common[@]}" >"$W/kcptun-client.log" 2>&1
    pids+=("$LAST_PID")
    await "$W/kcptun-client.log" 'listening on' "$LAST_PID" &&
        on a timeout $(($1 + 20)) iperf3 -c 127.0.0.1 -p 5203 -t "$1" -f m >"$W/iperf.log" 2>&1
    awk '/receiver/ { for (i = 3; i < NF; i++) if ($(i + 1) == "Mbits/sec") r = $i } END { if (r != "") print r }' "$W/iperf.log"
    for iperf in "${pids[@]}" "$iperf"; do stop "$iperf"; done
}

# link_quic INDEX BYTES LIMIT_S KNOB...: Mbit/s of a QUIC peer over a fresh link, by the limit if it was not done
link_quic() {
    local index=$1 file limit=$3
    file=$(data "$2")
    shift 3
    link_up "$@" && quic_run "$index" a b "$NET_A_IP" "$file" "$limit" || return 1
    if [ "$QUIC_DONE" = no ] && [ "$QUIC_KEPT" = no ]; then
        note "${QUIC_NAMES[index]}: cut off, and nothing tells how far it was"
        return 1
    fi
    GOODPUT=$(calc "$QUIC_BYTES * 8 / 1e6 / $QUIC_S")
}

# link_case SECTION NAME BYTES LIMIT_S CEILING KNOB...: duet against the ceiling, kernel TCP, kcptun and QUIC
link_case() {
    local section=$1 name=$2 bytes=$3 limit=$4 ceiling=$5 i tcp_s=10
    local ours='' waste='' bbr='' cubic='' kcp='' undone=0 quic=() quic_cut=() quic_kept=() q anchor
    shift 5
    [ $QUICK = false ] || tcp_s=5
    # Twice over the limit is an answer.
    for ((i = 0; i < REPEAT && undone < 2; i++)); do
        quietly link_file "$bytes" "$limit" "$@" || continue
        ours+=" $GOODPUT" waste+=" $WASTE"
        [ $XFER_DONE = yes ] || undone=$((undone + 1))
        [ $ALONE = false ] && [ "$i" -lt 3 ] || continue # the others are known well enough
        quietly link_tcp bbr $tcp_s "$@" && bbr+=" $GOODPUT"
        [ $QUICK = true ] || { quietly link_tcp cubic $tcp_s "$@" && cubic+=" $GOODPUT"; }
        link_up "$@" && kcp+=" $(kcptun_rate $tcp_s)"
        for q in "${!QUIC_NAMES[@]}"; do
            [ "${quic_cut[q]:-0}" -lt 2 ] && quietly link_quic "$q" "$bytes" "$limit" "$@" || continue
            quic[q]+=" $GOODPUT" quic_kept[q]=$QUIC_KEPT
            [ "$QUIC_DONE" = yes ] || quic_cut[q]=$((${quic_cut[q]:-0} + 1))
        done
    done
    net_down
    local extra="\"not_done\":$undone"
    [ $undone = 0 ] || name+=", cut off"
    record "$section" "$name" Mbit/s "$ours" ceiling "$ceiling" "$extra"
    [ -z "${bbr// /}" ] || record "$section" "$name" Mbit/s "$ours" "kernel TCP, BBR" "$bbr" "$extra"
    [ -z "${cubic// /}" ] || record "$section" "$name" Mbit/s "$ours" "kernel TCP, CUBIC" "$cubic" "$extra"
    [ -z "${kcp// /}" ] || record "$section" "$name" Mbit/s "$ours" "kcptun fast3" "$kcp" "$extra"
    for q in "${!quic[@]}"; do
        anchor=${QUIC_NAMES[q]}
        [ "${quic_kept[q]}" = yes ] || anchor+=", no file"
        [ -z "${quic_cut[q]:-}" ] || anchor+=", cut off"
        record "$section" "$name" Mbit/s "$ours" "$anchor" "${quic[q]}" "$extra"
    done
    [ -z "${waste// /}" ] || record "$section" "waste, $name" % "$waste" "bound" 1
}

bench_link() {
    local lines="50/0 50/1 50/5 50/10 50/20 10/0 10/5 100/0 100/5 300/0 300/5" bytes=100000000 limit=90 line rtt loss
    need_link link || return 0
    [ $QUICK = false ] || { bytes=25000000 limit=20 lines="50/0 50/1 50/5 50/10 50/20 10/0 100/0 300/0"; }
    for line in ${LINKS:-$lines}; do
        rtt=${line%/*} loss=${line#*/}
        link_case link "RTT $rtt ms, loss $loss %" $bytes $limit "$(calc "100 * $headers * (1 - $loss / 100)")" \
            'rate 100M' "delay $(calc "$rtt / 2")ms" "queue $(bdp_bytes 100 "$rtt")" "loss $loss"
    done
}

bench_reorder() {
    local bytes=250000000 limit=90 i clean='' late='' waste=''
    need_link reorder || return 0
    [ $QUICK = false ] || { bytes=100000000 limit=30; }
    local link=('rate 200M' 'delay 50ms' "queue $(bdp_bytes 200 100)")
    for ((i = 0; i < REPEAT; i++)); do
        quietly link_file $bytes $limit "${link[@]}" && clean+=" $GOODPUT"
        quietly link_file $bytes $limit "${link[@]}" 'reorder 25 5ms' && late+=" $GOODPUT" waste+=" $WASTE"
    done
    net_down
    record reorder "25 % 5 ms late, 200 Mbit/s, RTT 100" Mbit/s "$late" "duet, in order" "$clean"
    [ -z "${waste// /}" ] || record reorder "waste, 25 % 5 ms late" % "$waste" bound 1
}

bench_gigabit() {
    local bytes=1000000000 seconds=10 i ours='' tcp=''
    need_link gigabit || return 0
    [ $QUICK = false ] || { bytes=250000000 seconds=5; }
    local link=('rate 1G' 'delay 500us' "queue $(bdp_bytes 1000 1)")
    for ((i = 0; i < REPEAT; i++)); do
        quietly link_file $bytes 60 "${link[@]}" && ours+=" $GOODPUT"
        quietly link_tcp cubic $seconds "${link[@]}" && tcp+=" $GOODPUT"
    done
    net_down
    record gigabit "1 Gbit/s, RTT 1 ms" Mbit/s "$ours" "kernel TCP, CUBIC" "$tcp"
}

# share_with WHO SETTLE_S SECONDS: both start together on one link; OURS and THEIRS in Mbit/s after settling
share_with() {
    local who=$1 settle=$2 seconds=$3 file first second other from_first from_second=0 began
    file=$(data $((50000000 * (settle + seconds + 5) / 8)))
    link_up 'rate 50M' 'delay 20ms' "queue $(bdp_bytes 50 40)" || return 1
    if [ "$who" = duet ]; then
        recv_start b "$W/in2" || return 1
        second=$RECV_PID
        send_start a "$NET_B_IP:$RECV_PORT" out2 "$file"
        other=$SEND_PID
    else
        iperf_server b 5201 || return 1
        second=$LAST_PID
        spawn a iperf3 -c "$NET_B_IP" -p 5201 -C "$who" -t $((settle + seconds + 3)) -i 1 -f m --forceflush >"$W/iperf.log" 2>&1
        other=$LAST_PID
    fi
    recv_start b "$W/in" || return 1
    first=$RECV_PID
    send_start a "$NET_B_IP:$RECV_PORT" out "$file"
    sleep "$settle"
    began=$EPOCHREALTIME from_first=$(written "$W/in")
    [ "$who" != duet ] || from_second=$(written "$W/in2")
    sleep "$seconds"
    local took_s
    took_s=$(calc "$EPOCHREALTIME - $began")
    OURS=$(calc "($(written "$W/in") - $from_first) * 8 / 1e6 / $took_s")
    if [ "$who" = duet ]; then
        THEIRS=$(calc "($(written "$W/in2") - $from_second) * 8 / 1e6 / $took_s")
    else
        THEIRS=$(iperf_rate "$W/iperf.log" "$settle")
    fi
    local pid
    for pid in "$SEND_PID" "$other" "$first" "$second"; do stop "$pid"; done
    rm -rf "$W/in" "$W/in2"
}

bench_share() {
    local settle=5 seconds=30 who i ours theirs name
    need_link share || return 0
    [ $QUICK = false ] || { settle=4 seconds=10; }
    for who in cubic bbr duet; do
        [ $who = duet ] || have_tcp $who || continue
        ours='' theirs=''
        for ((i = 0; i < REPEAT; i++)); do
            quietly share_with $who $settle $seconds && ours+=" $OURS" theirs+=" $THEIRS"
        done
        net_down
        name="kernel TCP, ${who^^}"
        [ $who != duet ] || name="another duet"
        record share "50 Mbit/s, RTT 40 ms, shared" Mbit/s "$ours" "$name" "$theirs"
    done
}
