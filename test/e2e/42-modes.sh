# Every negotiated mode and size carries a file and text: step by step, a small window, small packets, IPv6, a rate.
# timeout: 90
set -euo pipefail
. "$ROOT/test/e2e/lib.sh"

mkdir in
head -c 3000000 /dev/urandom >file
head -c 200000 /dev/urandom >small
n=0

carry() { # carry FILE HOST RECEIVER-OPTIONS SENDER-OPTIONS
    local file=$1 host=$2
    n=$((n + 1))
    mkdir "in/$n"
    # shellcheck disable=SC2086 # words on purpose
    start recv "$DUET" recv --home "$(home_of bob)" --accept-new -y -o "in/$n" -p 0 $3
    port recv
    # shellcheck disable=SC2086
    start send "$DUET" send --home "$(home_of alice)" --accept-new -p 0 -c "$host:$PORT" $4 "$file"
    expect send 0
    expect recv 0
    same "$file" "in/$n/$file"
}

carry small 127.0.0.1 '--mode step' ''
carry small 127.0.0.1 '' '--mode step'
carry small 127.0.0.1 '--window 64k' ''
carry small 127.0.0.1 '' '--window 64k'
carry file 127.0.0.1 '--max-packet 1200' ''
carry file 127.0.0.1 '' '--max-packet 1200'
carry file 127.0.0.1 '--max-packet 65507' '--max-packet 65507'
carry file 127.0.0.1 '-4' '-4'
! knows_localhost || carry file localhost '' ''
carry small 127.0.0.1 '--heartbeat 0.5 --mode step --window 64k' '--max-packet 1200'
if [ -e /proc/net/if_inet6 ] && grep -q ' lo$' /proc/net/if_inet6; then
    carry file '[::1]' '' ''
    carry file '[::1]' '-6 --bind ::1' '-6'
    carry small '[::1]' '-6' '--max-packet 1200 --mode step'
fi

# A limit holds: 3 MB at 1.5 MB/s take no less than their time, a burst at the start apart.
before=${EPOCHREALTIME/[.,]/}
carry file 127.0.0.1 '' '--limit 1500kB'
took_us=$((${EPOCHREALTIME/[.,]/} - before))
[ "$took_us" -ge 1500000 ] || fail "3 MB at 1.5 MB/s took $took_us µs"

# The trace is JSON lines without what was said.
talk carol --accept-new -p 0 --trace trace.json
port carol
talk dave --accept-new -p 0 --mode step "127.0.0.1:$PORT"
wait_for "$T/carol.out" '^\* connected'
say dave 'a secret word'
wait_for "$T/carol.out" '^<dave> a secret word$'
say dave /quit
expect dave 0
say carol /quit
expect carol 0
[ -s trace.json ] || fail "no trace"
if grep -v '^{.*}$' trace.json; then fail "not JSON lines"; fi
if grep -q 'secret' trace.json; then fail "text in the trace"; fi
