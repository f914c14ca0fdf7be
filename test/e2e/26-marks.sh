# Routers that drop whatever has an ECN mark: peers connect and files arrive; and where such a router comes into the path
# in the middle of a file, that goes on.
# timeout: 120
set -euo pipefail
. "$ROOT/test/e2e/lib.sh"
. "$ROOT/test/net/lib.sh"
net_need_root

head -c 3000000 /dev/urandom >file
mkdir in
net_up 'rate 8M' 'delay 5ms' 'no-marks on'
send() { # send NAME
    cp file "$1"
    NS=$NET_B start "$1" "$DUET" send --home "$(home_of alice)" --accept-new -c "$NET_A_IP:7000" "$1"
}
NS=$NET_A start recv "$DUET" recv --home "$(home_of bob)" --accept-new -y -k -o in -p 7000
wait_for "$T/recv.err" 'listening on'
send behind
expect behind 0 60
same file in/behind
[ "$(net_stat ba dropped_hole)" -gt 0 ] || fail "nothing was marked"

net_ctl 'no-marks off'
before=$(net_stat ba out)
some_of_it() { [ $(($(net_stat ba out) - before)) -gt 300 ]; }
send meanwhile
within "$WAIT_S" some_of_it || fail "no file under way"
dropped=$(net_stat ba dropped_hole)
net_ctl 'no-marks on'
expect meanwhile 0 60
same file in/meanwhile
[ "$(net_stat ba dropped_hole)" -gt "$dropped" ] || fail "it was over before"
kill -INT "${PID[recv]}"
finish recv
