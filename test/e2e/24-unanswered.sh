# A peer that answers and is gone before it heard of us again: that is "could not connect", not "lost"; one that is
# started anew in the meantime gets the file.  Two senders that call each other end at once, refused; one that calls
# itself at once, too; and that nobody listens on a port is told while the call goes on.
# timeout: 300
set -euo pipefail
. "$ROOT/test/e2e/lib.sh"
. "$ROOT/test/net/lib.sh"
net_need_root

timeout_s=10
no_connection=3
echo content >file
mkdir in
answered() { [ "$(net_stat ab in)" -gt "$1" ]; }

# recv_dies TIMEOUT: it has answered the SYN, and what follows never reaches it.  There are 3 s, a round trip, to shut the
# way.
recv_dies() {
    local before
    NS=$NET_A start recv "$DUET" recv --home "$(home_of bob)" --accept-new -y -o in -p 7000
    wait_for "$T/recv.err" 'listening on'
    before=$(net_stat ab in)
    NS=$NET_B start send "$DUET" send --home "$(home_of alice)" --accept-new -p 0 --timeout "$1" \
        -c "$NET_A_IP:7000" file
    within "$WAIT_S" answered "$before" || fail "no answer"
    net_ctl 'hole ba on' >/dev/null
    kill -KILL "${PID[recv]}"
    finish recv
    net_ctl 'hole ba off' >/dev/null
}

net_up 'delay 1500ms'
recv_dies "$timeout_s"
expect send "$no_connection" 60
wait_for "$T/send.err" '^duet: could not connect to .*: timed out'
[ "$(grep -c '^duet: ' "$T/send.err")" = 1 ] || fail "the end was not told once"

recv_dies 30
NS=$NET_A start recv "$DUET" recv --home "$(home_of bob)" --accept-new -y -o in -p 7000
expect send 0 60
expect recv 0
same file in/file
net_ctl 'delay 100ms' >/dev/null

# Whoever hears of the refusal first leaves, but not before the other can hear of it.
refused=5
NS=$NET_A start one "$DUET" send --home "$(home_of alice)" --accept-new -p 7001 -c "$NET_B_IP:7001" file
NS=$NET_B start two "$DUET" send --home "$(home_of bob)" --accept-new -p 7001 -c "$NET_A_IP:7001" file
for name in one two; do
    expect "$name" "$refused"
    grep -q '^duet: sending file.*: the peer does not accept files$' "$T/$name.err" || fail "$name does not say why"
done

NS=$NET_A start self "$DUET" send --home "$(home_of alice)" --accept-new -p 7002 -c "$NET_A_IP:7002" file
expect self "$no_connection"
grep -q "^duet: could not connect to $NET_A_IP:7002: that is the address of this program itself$" "$T/self.err" ||
    fail "a call to itself"

# The receiver begins when the sender has said that there is none.
NS=$NET_A start early "$DUET" send --home "$(home_of alice)" --accept-new -p 0 -c "$NET_B_IP:7003" file
wait_for "$T/early.err" "^duet: $NET_B_IP says that nothing is listening on port 7003; still trying$"
mkdir late
NS=$NET_B start late "$DUET" recv --home "$(home_of bob)" --accept-new -y -o late -p 7003
expect early 0 30
expect late 0
same file late/file
[ "$(grep -c 'nothing is listening' "$T/early.err")" = 1 ] || fail "told more than once"
