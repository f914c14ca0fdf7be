# kill -9 of a program whose user starts it again at once: the new session takes the silent one's place, so nobody is
# there twice, nobody is told unreachable, and a recv whose sender came back and brought the file ends with 0.  Two
# programs of one home that both live are both there.
# timeout: 90
set -euo pipefail
. "$ROOT/test/e2e/lib.sh"

head -c 5000000 /dev/urandom >big
mkdir in

under_way() { [ -n "$(find in -name '.duet-part-*' -size +100k)" ]; }
send() { # send NAME OPTION...
    local name=$1
    shift
    start "$name" "$DUET" send --home "$(home_of sender)" --accept-new -p 0 "$@" -c "127.0.0.1:$PORT" big
}

# A file.
start recv "$DUET" recv --home "$(home_of recv)" --accept-new -y -o in -p 0
port recv
send send.1 --limit 500k
within "$WAIT_S" under_way || fail "nothing is under way"
kill -KILL "${PID[send.1]}"
finish send.1
send send.2
expect send.2 0
expect recv 0
same big in/big
no_parts in
grep -q 'the peer restarted' "$T/recv.err" || fail "recv does not say what became of the first half"
if grep -E 'unreachable|may not|lost' "$T/recv.err"; then fail "recv takes the sender for lost"; fi

# A chat.
talk ada --accept-new -p 0
port ada
talk bob --accept-new -p 0 "127.0.0.1:$PORT"
wait_for "$T/ada.out" '^\* connected to bob'
kill -KILL "${PID[bob]}"
hang_up bob
finish bob
talk bob.2 --accept-new -p 0 "127.0.0.1:$PORT"
wait_count "$T/ada.out" '^\* connected to bob' 2
say ada 'one of you?'
wait_for "$T/bob.2.out" 'one of you'
wait_count "$T/ada.out" '^\* delivered' 1

# One more program of the same home, while the other goes on.
talk bob.3 --accept-new -p 0 "127.0.0.1:$PORT"
wait_count "$T/ada.out" '^\* connected to bob' 3
say ada 'both of you?'
wait_for "$T/bob.2.out" 'both of you'
wait_for "$T/bob.3.out" 'both of you'
hang_up bob.2
expect bob.2 0
hang_up bob.3
expect bob.3 0
hang_up ada
expect ada 0
if grep -E 'unreachable|may not|lost|left.*newer' "$T/ada.out"; then fail "ada is told of a bob that is gone"; fi
