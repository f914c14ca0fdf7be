# A name with several addresses of both families is reached at whichever works, with one session where more than one does;
# and while a name is looked up nothing stands still: a DNS server that says nothing holds up neither keys nor the end.
# timeout: 240
set -euo pipefail
. "$ROOT/test/e2e/lib.sh"
. "$ROOT/test/net/lib.sh"
. "$ROOT/test/e2e/screens.sh"

# [ A  10.77.0.1  fd77::1 ] ─── linkemu ─── [ B  10.77.0.2  fd77::2, where names are what ./hosts and ./resolv say ]
#  nobody is at 10.77.0.99 and fd77::99, and nothing comes back from there

net_need_root
cat >with-names <<'SCRIPT'
#!/bin/sh
exec unshare -m sh -c 'mount --bind hosts /etc/hosts && mount --bind resolv /etc/resolv.conf && exec "$@"' sh "$@"
SCRIPT
chmod +x with-names
cat >hosts <<'HOSTS'
fd77::99    v4-only.example
10.77.0.1   v4-only.example
fd77::1     v6-only.example
10.77.0.99  v6-only.example
fd77::1     both.example
10.77.0.1   both.example
fd77::99    none.example
10.77.0.99  none.example
2001:db8::1 no-route.example
HOSTS
echo 'nameserver 127.0.0.1' >resolv # nobody there: known at once
if ! ./with-names true 2>/dev/null; then
    echo "skipped: needs mount namespaces"
    exit 77
fi
net_up 'delay 5ms'
head -c 300000 /dev/urandom >file
mkdir in

# --- one family is dead -----------------------------------------------------------------------------------------------

NS=$NET_A start recv "$DUET" recv --home "$(home_of bob)" --accept-new -y -k -p 7000 -o in
port recv
sent=0
arrives() { # arrives HOST
    sent=$((sent + 1))
    cp file "file$sent"
    NS=$NET_B start "send$sent" ./with-names "$DUET" send --home "$(home_of alice)" --accept-new -c "$1:7000" "file$sent"
    expect "send$sent" 0
    same file "in/file$sent"
}
arrives v4-only.example
arrives v6-only.example
arrives both.example
! grep -q 'still trying\|tried' "$T"/send*.err || fail "an address that was not needed is no news"
kill -INT "${PID[recv]}"
finish recv

# --- both answer, so far away that both are asked -----------------------------------------------------------------------

printf '#!/bin/sh\nexec ./with-names "%s" "$@"\n' "$DUET" >named-duet
chmod +x named-duet
net_ctl 'delay 300ms'
NS=$NET_A talk bob --accept-new -p 7001
port bob
NS=$NET_B DUET=./named-duet talk alice --accept-new -p 7002 both.example:7001
wait_for "$T/bob.out" '^\* connected to '
wait_for "$T/alice.out" '^\* connected to '
say alice 'once'
wait_for "$T/bob.out" '^<alice> once'
say alice '/connect both.example:7001'
wait_for "$T/alice.err" 'already connected'
say alice '/peers'
say alice '/quit'
expect alice 0
wait_for "$T/bob.out" '^\* alice left'
say bob '/quit'
expect bob 0
for who in alice bob; do
    [ "$(grep -c '^\* connected to ' "$T/$who.out")" = 1 ] || fail "$who has more than one session"
done
[ "$(grep -c '^<alice> once' "$T/bob.out")" = 1 ] || fail "said twice"
[ "$(grep -c '^\* peer ' "$T/alice.out")" = 1 ] || fail "two peers"
net_ctl 'delay 5ms'

# --- nobody is at either; there is no such name ---------------------------------------------------------------------------

asks() { # asks NAME HOST [OPTION...]
    local name=$1 host=$2
    shift 2
    NS=$NET_B start "$name" ./with-names "$DUET" ask --home "$(home_of alice)" --accept-new "$@" -c "$host" ping
}
asks none none.example --timeout 2 -v
expect none 3
[ "$(grep -c 'could not connect to none.example:6254: timed out' "$T/none.err")" = 1 ] || fail "not one reason"
for addr in 'fd77::99' '10\.77\.0\.99'; do
    grep -q "tried .*$addr.*: " "$T/none.err" || fail "-v says nothing of $addr"
done
asks no-route no-route.example --timeout 2
expect no-route 3
grep -q 'nothing can be sent to \[2001:db8::1\]:6254: .*; still trying' "$T/no-route.err" || fail "a hint is missing"
! grep -q 'the network does not' "$T/no-route.err" || fail "one address is not the network"
asks unknown unknown.example
expect unknown 3
grep -q 'cannot find unknown.example: ' "$T/unknown.err" || fail "not told that the name is unknown"
NS=$NET_B DUET=./named-duet talk alice -p 7002 unknown.example
expect alice 3
grep -q '^! could not connect to unknown.example:6254: cannot find' "$T/alice.out" || fail "the chat does not say why"

# --- the DNS server says nothing --------------------------------------------------------------------------------------------
# Whoever waited for it would say in the end that the name cannot be found.

printf 'nameserver 10.77.0.99\noptions timeout:30 attempts:5\n' >resolv
never_answered() { ! grep -q "cannot find" "$T/$1.out" "$T/$1.err" || fail "$1 waited for the answer"; }
NS=$NET_B DUET=./named-duet talk alice -p 7002 dead.example
wait_for "$T/alice.err" '^looking up dead.example'
say alice '/connect also-dead.example'
wait_for "$T/alice.err" '^looking up also-dead.example'
say alice '/help' # it listens
wait_for "$T/alice.out" '/connect'
say alice '/quit'
finish alice
never_answered alice
for how in send recv ask; do
    case $how in
    send) what=(send -c dead.example file) ;;
    recv) what=(recv -c dead.example) ;;
    ask) what=(ask -c dead.example ping) ;;
    esac
    NS=$NET_B start "$how" ./with-names "$DUET" "${what[0]}" --home "$(home_of alice)" "${what[@]:1}"
    wait_for "$T/$how.err" 'looking up dead.example'
    kill -INT "${PID[$how]}"
    expect "$how" 130
    never_answered "$how"
done
NS=$NET_B start ask ./with-names "$DUET" ask --home "$(home_of alice)" --timeout 1 -c dead.example ping
expect ask 3
grep -q 'cannot find dead.example: no name server answered within 1 s' "$T/ask.err" || fail "--timeout is not for lookups"

# The screen: keys echo, a message is taken, ^C ends it.
open alice "nsenter --net=/run/netns/$NET_B ./with-names '$DUET' --name alice --home '$(home_of alice)' dead.example"
shows alice 'looking up dead.example'
keys alice h e l l o
shows alice '^> hello'
keys alice C-u
type_line alice '/connect also-dead.example'
shows alice 'looking up also-dead.example'
keys alice C-c
shows alice '^ended-with-130'
! _shows alice 'cannot find' || fail "the screen waited for the answer"
