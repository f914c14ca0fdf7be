# shellcheck shell=bash disable=SC2086 # numbers and lists, split on purpose
# Links nobody tuned for: bursts of loss, air that reorders, a rate that changes, a rate limiter close by, modems, small
# packets.  A whole file of duet's and as many bytes of kernel TCP take turns over the same link.

# tcp_file CONTROLLER BYTES LIMIT_S: Mbit/s of so many bytes of kernel TCP, clocked as duet's are, from the start of the
# sender to its knowing that all arrived; of what arrived by the limit if that comes first
tcp_file() {
    local file receiver
    kernel_has "$1" || return 0
    file=$(data "$2")
    spawn b "$TCP" recv "$NET_B_IP" 5201 >"$W/tcp-in.log" 2>&1 </dev/null
    receiver=$LAST_PID
    await "$W/tcp-in.log" '^ready' "$receiver" || return 0
    if on a "$TIMED" "$W/tcp.t" timeout "$3" "$TCP" send "$1" "$NET_B_IP" 5201 "$file" >"$W/tcp-out.log" 2>&1 </dev/null; then
        reap "$receiver" && calc "$2 * 8 / 1e6 / $(took "$W/tcp.t" wall)"
    else
        stop "$receiver"
        awk -v limit="$3" '/^received/ { print $2 * 8 / 1e6 / limit }' "$W/tcp-in.log"
    fi
}

# odd_link NAME BYTES LIMIT_S KNOB...: all three over links of one seed, then of the next
odd_link() {
    local name=$1 bytes=$2 limit=$3 i seed who dropped
    local ours='' lost='' bbr='' cubic=''
    shift 3
    for ((i = 0; i < REPEAT; i++)); do
        seed=$LINK_SEED
        quietly link_file "$bytes" "$limit" "$@" && ours+=" $GOODPUT"
        dropped=$(calc "$(net_stat ab dropped_queue) + $(net_stat ab dropped_loss)")
        lost+=" $(calc "100 * $dropped / $(net_stat ab in)")"
        for who in bbr cubic; do
            [ $ALONE = false ] || continue
            LINK_SEED=$seed
            link_up "$@" || continue
            case $who in
            bbr) bbr+=" $(tcp_file bbr "$bytes" "$limit")" ;;
            cubic) cubic+=" $(tcp_file cubic "$bytes" "$limit")" ;;
            esac
        done
    done
    net_down
    [ -z "${bbr// /}" ] || record links "$name" Mbit/s "$ours" "kernel TCP, BBR" "$bbr"
    [ -z "${cubic// /}" ] || record links "$name" Mbit/s "$ours" "kernel TCP, CUBIC" "$cubic"
    record links "dropped on the way, $name" % "$lost" "" ""
}

bench_links() {
    local bytes=30000000 limit=60
    need_link links || return 0
    [ $QUICK = false ] || { bytes=10000000 limit=30; }
    odd_link "1 % lost in bursts of 5" $bytes $limit 'rate 50M' 'delay 20ms' "queue $(bdp_bytes 50 40)" 'burst ab 1 5'
    odd_link "5 % lost in bursts of 20" $bytes $limit 'rate 50M' 'delay 20ms' "queue $(bdp_bytes 50 40)" 'burst ab 5 20'
    odd_link "jitter 0-8 ms that reorders" $bytes $limit 'rate 60M' 'delay 5ms' "queue $(bdp_bytes 60 20)" 'jitter 8ms'
    odd_link "queue 15 KB" $bytes $limit 'rate 50M' 'delay 25ms' 'queue 15k'
    odd_link "rate changes by up to 4" $bytes $limit 'rate ab 20M' 'delay 25ms' 'queue 500k' 'swing ab 2'
    odd_link "policer 8 Mbit/s, RTT 0.2 ms" $((bytes / 3)) $limit 'rate ab 8M' 'delay 100us' 'policer ab 30k'
    odd_link "256 kbit/s, RTT 200 ms" 300000 $limit 'rate 256k' 'delay 100ms' 'queue 30k'
    odd_link "64 kbit/s, RTT 300 ms, loss 3 %" 60000 $limit 'rate 64k' 'delay 150ms' 'queue 16k' 'loss 3'
    odd_link "MTU 1280" $((bytes * 3)) $limit --mtu 1280 'rate 50M' 'delay 10ms' "queue $(bdp_bytes 50 20)"
}
