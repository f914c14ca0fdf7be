# A hundred thousand datagrams of garbage into a live session: random ones of every size, and ones that begin like each
# kind of packet.  The transfer completes, nothing is answered, no memory is taken.
# timeout: 120
set -euo pipefail
. "$ROOT/test/e2e/lib.sh"

per_batch=12500 # four sizes to two targets: 100 000
shape_rounds=60
growth_max_kb=8192
under_way() { [ -n "$(find in -name '.duet-part-*' -size +0)" ]; }
rss() { sed -n 's/^VmRSS:[^0-9]*\([0-9]*\) kB$/\1/p' "/proc/${PID[$1]}/status"; }

# 1200 bytes each: a type, the version, and the rest random.
for type in 01 02 03 04 05 40 41 42 43; do
    printf '%b' "\\x$type\\x01"
    head -c 1198 /dev/urandom
done >shapes

throw() { # throw FD: its share of the garbage; fails once nobody is there to take it
    local size i

    for size in 1 26 64 1200; do
        dd if=/dev/urandom bs="$size" count="$per_batch" status=none >&"$1" || return
    done
    for ((i = 0; i < shape_rounds; i++)); do
        # The second is cut short, and starts anywhere.
        dd if=shapes bs=1200 status=none >&"$1" && dd if=shapes bs=300 status=none >&"$1" || return
    done
}

# All of the garbage into a transfer of so many bytes.  false: the transfer was over before.
attempt() { # attempt BYTES
    rm -rf in file
    mkdir in
    head -c "$1" /dev/urandom >file
    start recv "$DUET" recv --home "$(home_of bob)" --accept-new -y -o in -4 -p 0
    port recv
    start send "$DUET" send --home "$(home_of alice)" --accept-new -v -4 --limit 1MB -p 0 -c "127.0.0.1:$PORT" file
    within "$WAIT_S" under_way || fail "nothing is under way"
    sender_port=$(sed -n 's/.*listening on .*:\([0-9]*\)$/\1/p' "$T/send.err")
    [ -n "$sender_port" ] || fail "the port of send is not known"
    before_kb=$(rss recv)
    # One socket for each target: an answer would come back to it.
    exec 7<>"/dev/udp/127.0.0.1/$PORT" 8<>"/dev/udp/127.0.0.1/$sender_port"
    throw 7 && throw 8 && ! _gone send && ! _gone recv && after_kb=$(rss recv)
}

# How long the garbage takes is the machine's business: where the transfer was quicker, a longer one is next.
bytes=8000000
until attempt "$bytes"; do
    expect send 0
    expect recv 0
    exec 7>&- 8>&-
    [ $((bytes *= 2)) -le 512000000 ] || fail "no transfer lasts as long as the garbage"
done
for fd in 7 8; do
    if read -r -t 0 -u "$fd"; then fail "garbage was answered"; fi
done
echo "receiver: $before_kb kB before, $after_kb kB after"
[ "$after_kb" -le $((before_kb + growth_max_kb)) ] || fail "the receiver grew from $before_kb to $after_kb kB"
expect send 0
expect recv 0
same file in/file
no_parts in
