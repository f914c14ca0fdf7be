# A host with more than one address is reached at each of them, by files long enough for trains, and stays reached when
# one of them goes; what a waiting peer prints as where it listens can be dialled.  Who only calls occupies no port that
# others know.
# timeout: 120
set -euo pipefail
. "$ROOT/test/e2e/lib.sh"
. "$ROOT/test/net/lib.sh"

head -c 3000000 /dev/urandom >file

# arrives DIALLED [OPTION...]: a file sent there by a newcomer; the options are the sender's
sent=0
arrives() {
    local to=$1
    shift
    sent=$((sent + 1))
    cp file "file$sent"
    NS=$FROM start "send$sent" "$DUET" send --home "$(home_of alice)" --accept-new -p 0 -c "$to" "$@" "file$sent"
    expect "send$sent" 0
    same file "in/file$sent"
}

waits() { # waits OPTION...
    mkdir -p in
    NS=$AT start recv "$DUET" recv --home "$(home_of bob)" --accept-new -y -k -o in "$@"
    port recv
}

# --- loopback ---------------------------------------------------------------------------------------------------------

FROM='' AT=''
waits -p 0
listening=$(sed -n 's/.*listening on //p' "$T/recv.err")
name=()
! knows_localhost || name=("localhost:$PORT")
for to in "127.0.1.1:$PORT" "127.255.3.4:$PORT" "$listening" "0.0.0.0:$PORT" "[::]:$PORT" "${name[@]}"; do
    arrives "$to"
done
kill -INT "${PID[recv]}"
finish recv
waits -p 0 -4
arrives "0.0.0.0:$PORT"
arrives "127.0.1.1:$PORT"
kill -INT "${PID[recv]}"
finish recv

# --- two hosts --------------------------------------------------------------------------------------------------------
# [ A  10.77.0.1 .11 .12  fd77::1 ::11 ::12  fe80::… ] ─── linkemu ─── [ B  10.77.0.2  fd77::2 ]
#      └─ a second card, 10.78.0.1/24 ─────────────────── 10.78.0.2/24 of B, who has its mail sent to the first one

net_need_root
net_up 'delay 2ms'
for i in 11 12; do
    net_a ip addr add "10.77.0.$i/24" dev "$NET_DEV"
    net_a ip -6 addr add "fd77::$i/64" dev "$NET_DEV" nodad
done
net_a ip -6 addr add "fe80::1/64" dev "$NET_DEV" nodad
net_b ip -6 addr add "fe80::2/64" dev "$NET_DEV" nodad
net_a ip link add card2 type veth peer name card2 netns "$NET_B"
net_a ip addr add 10.78.0.1/24 dev card2
net_b ip addr add 10.78.0.2/24 dev card2
net_a ip link set card2 up
net_b ip link set card2 up
FROM=$NET_B AT=$NET_A
waits -p 7000
for to in 10.77.0.1 10.77.0.11 10.77.0.12 10.78.0.1; do
    arrives "$to:7000"
done
arrives 10.78.0.1:7000 --bind 10.77.0.2
for to in fd77::1 fd77::11 fd77::12 "fe80::1%$NET_DEV"; do
    arrives "[$to]:7000"
done
kill -INT "${PID[recv]}"
finish recv

# --- who only calls leaves the usual port to who waits ------------------------------------------------------------------

before=$(net_stat ba in)
asked() { [ "$(net_stat ba in)" -gt "$before" ]; }
NS=$NET_B start send "$DUET" send --home "$(home_of alice)" --accept-new --no-gso -c 10.77.0.99 file
within "$WAIT_S" asked || fail "send does not call"
NS=$NET_B start recv "$DUET" recv --home "$(home_of bob)" --accept-new -y -o in
wait_for "$T/recv.err" 'listening on .*:6254$'
for name in send recv; do
    kill -INT "${PID[$name]}"
    finish "$name"
done

# --- the address that was dialled goes in the middle of it --------------------------------------------------------------

NS=$NET_A talk bob --accept-new -p 7002
NS=$NET_B talk alice --accept-new -p 7003 10.77.0.12:7002
wait_for "$T/alice.out" '^\* connected to '
wait_for "$T/bob.out" '^\* connected to '
net_a ip addr del 10.77.0.12/24 dev "$NET_DEV"
say bob 'still here'
wait_for "$T/alice.out" 'still here'
say alice 'so am I'
wait_for "$T/bob.out" 'so am I'
say bob '/quit'
expect bob 0
say alice '/quit'
expect alice 0
