# duet send ‖ duet recv: a big file arrives intact, and neither side's memory knows how big it is.
# timeout: 90
set -euo pipefail
. "$ROOT/test/e2e/lib.sh"

megabytes=${DUET_TEST_MB:-200}
memory_max_kb=65536 # the promise; both ends
peak() { sed -n 's/^VmHWM:[^0-9]*\([0-9]*\) kB$/\1/p' "/proc/${PID[$1]}/status" 2>/dev/null; }

mkdir in
head -c "${megabytes}M" /dev/urandom >big

start recv "$DUET" recv --home "$(home_of bob)" --accept-new -y -o in -p 0
port recv
start send "$DUET" send --home "$(home_of alice)" --accept-new -p 0 -c "127.0.0.1:$PORT" big
# The highest reading before each ended; VmHWM never falls.
send_kb=0 recv_kb=0
while ! _gone recv; do
    kb=$(peak send || true) && send_kb=${kb:-$send_kb}
    kb=$(peak recv || true) && recv_kb=${kb:-$recv_kb}
    sleep "$POLL_S"
done
expect send 0
expect recv 0
same big in/big
no_parts in
[ "$(cat "$T/recv.out")" = in/big ] || fail "recv printed '$(cat "$T/recv.out")' on stdout"
[ ! -s "$T/send.out" ] || fail "send printed on stdout"
wait_for "$T/send.err" '^sent big: '
echo "peak memory: send $send_kb kB, recv $recv_kb kB"
if [ "$send_kb" -eq 0 ] || [ "$recv_kb" -eq 0 ]; then fail "no memory reading"; fi
[ "$send_kb" -le "$memory_max_kb" ] || fail "send took $send_kb kB"
[ "$recv_kb" -le "$memory_max_kb" ] || fail "recv took $recv_kb kB"
