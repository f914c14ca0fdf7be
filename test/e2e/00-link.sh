# The link emulator itself, judged by its own counters, by ping and by files: every packet that goes in comes out or is
# accounted for.  Only counts and lower bounds are asserted, so a slow machine cannot fail it.
# timeout: 300
set -euo pipefail
. "$ROOT/test/e2e/lib.sh"
. "$ROOT/test/net/lib.sh"
net_need_root

equal() { # equal WHAT GOT WANTED
    [ "$2" = "$3" ] || fail "$1: $2, wanted $3"
}

between() { # between WHAT GOT LOW HIGH
    [ "$2" -ge "$3" ] && [ "$2" -le "$4" ] || fail "$1: $2, wanted $3 to $4"
}

# flood N [PING OPTION...]: N pings a → b; PONGS is how many answers came (duplicates not counted).
flood() {
    local n=$1 report
    shift
    report=$(net_a ping -q -n -c "$n" -i 0.002 -W 5 "$@" "$NET_B_IP" || true)
    PONGS=$(sed -n 's/.* \([0-9][0-9]*\) received.*/\1/p' <<<"$report")
    RTT_MIN_US=$(sed -n 's/^rtt min[^=]*= \([0-9]*\)\.\([0-9]*\).*/\1\2/p' <<<"$report")
}

# Nothing lost or invented: in = out − duplicates + every kind of drop + what is under way.
conserved() {
    local d=$1 stats name
    stats=$(net_ctl stats | sed "s/.*\"$d\":{\([^}]*\)}.*/\1/")
    value() { tr ',' '\n' <<<"$stats" | sed -n "s/^\"$1\"://p"; }
    local total=$(($(value out) - $(value duplicated) + $(value under_way)))
    for name in hole size queue loss overflow; do
        total=$((total + $(value dropped_$name)))
    done
    equal "trains that were not cut ($d)" "$(value not_understood)" 0
    equal "packets in and accounted for ($d)" "$total" "$(value in)"
    equal "write failures ($d)" "$(value write_failed)" 0
}

net_up --seed 7 'delay 20ms'

# A clean link loses nothing, invents nothing and is never faster than it says; both address families.
flood 50
equal "pings over a clean link" "$PONGS" 50
equal "packets a to b" "$(net_stat ab out)" 50
equal "packets b to a" "$(net_stat ba out)" 50
between "round trip over 2 × 20 ms, µs" "$RTT_MIN_US" 40000 1000000000
between "delay ab, µs" "$(net_stat ab latency_min_us)" 20000 1000000000
between "delay ba, µs" "$(net_stat ba latency_min_us)" 20000 1000000000
net_a ping -q -n -c 3 -i 0.01 -W 1 "$NET_B_IP6" >/dev/null || fail "IPv6 does not pass"

# Loss: about a fifth, one way only, and exactly what the counter says.
net_ctl 'delay 1ms' >/dev/null
net_ctl 'loss ab 20%' >/dev/null
flood 500
lost=$(net_stat ab dropped_loss)
between "lost of 500 at 20 %" "$lost" 60 140
equal "lost on the way back" "$(net_stat ba dropped_loss)" 0
equal "answers under loss" "$PONGS" $((500 - lost))
net_ctl 'loss ab 0' >/dev/null
net_ctl 'drop ab 3' >/dev/null
flood 10
equal "answers when three are to be lost" "$PONGS" 7

# A hole swallows everything until it is closed; the other direction does not notice.
net_ctl 'hole ab on' >/dev/null
flood 10
equal "answers through a hole" "$PONGS" 0
equal "swallowed" "$(net_stat ab dropped_hole)" 10
net_ctl 'hole ab off' >/dev/null
flood 10
equal "answers after the hole" "$PONGS" 10

# Duplicates arrive, damage does not get past the kernel's checksum, late ones still come.
before=$(net_stat ab out)
net_ctl 'duplicate ab 100' >/dev/null
flood 20
net_ctl 'duplicate ab 0' >/dev/null
equal "answers with duplicates" "$PONGS" 20
equal "packets out with duplicates" $(($(net_stat ab out) - before)) 40
net_ctl 'corrupt ab 100' >/dev/null
flood 20
net_ctl 'corrupt ab 0' >/dev/null
equal "answers to damaged packets" "$PONGS" 0
equal "damaged" "$(net_stat ab corrupted)" 20
net_ctl 'reorder ab 30 15ms' >/dev/null
flood 100
net_ctl 'reorder ab 0' >/dev/null
equal "answers under reordering" "$PONGS" 100
between "reordered of 100 at 30 %" "$(net_stat ab reordered)" 10 55

# A burst into a short queue: the rest is dropped, the queue is never longer than it may be.
net_ctl 'rate ab 1M' >/dev/null
net_ctl 'queue ab 15k' >/dev/null
flood 60 -l 60 -s 1372
dropped=$(net_stat ab dropped_queue)
between "dropped of a burst of 60" "$dropped" 30 59
equal "answers to the burst" "$PONGS" $((60 - dropped))
between "queue peak" "$(net_stat ab queue_peak_bytes)" 1400 15000
net_ctl 'rate ab 0' >/dev/null

# Packets above the limit vanish; smaller ones pass.
net_ctl 'max-packet 1000' >/dev/null
flood 5 -s 1200
equal "answers to too big packets" "$PONGS" 0
flood 5 -s 800
equal "answers to small packets" "$PONGS" 5

# The kernel hands over trains; what travels, is lost, late or damaged is packets, and the file comes together again.
net_ctl 'max-packet 1500' >/dev/null
head -c 3000000 /dev/urandom >big
mkdir in
for knob in 'loss 0' 'loss 2' 'reorder 10 2ms' 'duplicate 5' 'corrupt 2'; do
    net_ctl "$knob" >/dev/null
    for to in "$NET_B_IP" "[$NET_B_IP6]"; do
        before=$(net_stat ab in) bytes=$(net_stat ab in_bytes)
        NS=$NET_B start recv "$DUET" recv --home "$(home_of bob)" --accept-new -y -o in -p 0
        port recv
        NS=$NET_A start send "$DUET" send --home "$(home_of alice)" --accept-new -p 0 -c "$to:$PORT" big
        expect send 0
        expect recv 0
        same big in/big
        rm in/big
        between "bytes of a packet" $((($(net_stat ab in_bytes) - bytes) / ($(net_stat ab in) - before))) 500 1500
    done
done
equal "trains too big for the cable" "$(net_stat ab dropped_size)" 5

for bad in 'loss ab 101' 'speed 3' 'rate ten' 'hole maybe' 'loss ab 1 2' 'delay 5'; do
    if net_ctl "$bad" >/dev/null; then fail "accepted: $bad"; fi
done

conserved ab
conserved ba
net_down
grep -q '^{"ab":{"in":[0-9]*,.*},"ba":{.*}}$' "$NET_DIR/stats.json" || fail "no final counters"
echo "the link emulator keeps its books"
