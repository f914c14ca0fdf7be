# kill -9 of the other side: who waits for it says that it was lost and exits with 6: a sender, a receiver, and a line
# chat whose input has ended with a message undelivered (30 s of silence, not ten minutes).  No half file stays behind.
# timeout: 90
set -euo pipefail
. "$ROOT/test/e2e/lib.sh"

lost=6
patience_s=60
head -c 20000000 /dev/urandom >big
mkdir in.1 in.2

under_way() { [ -n "$(find "$1" -name '.duet-part-*' -size +100k)" ]; }
# pair N: a transfer at 1 MB/s, well under way; both give up on a silent peer as soon as it is unreachable
pair() {
    start "recv.$1" "$DUET" recv --home "$(home_of "bob.$1")" --accept-new -y -o "in.$1" -p 0 --timeout 1
    port "recv.$1"
    start "send.$1" "$DUET" send --home "$(home_of "alice.$1")" --accept-new -p 0 --limit 1MB --timeout 1 \
        -c "127.0.0.1:$PORT" big
    within "$WAIT_S" under_way "in.$1" || fail "nothing is under way"
}

connect_pair erin frank
pair 1
pair 2
kill -KILL "${PID[recv.1]}" "${PID[send.2]}" "${PID[frank]}"
say erin 'are you there?'
hang_up erin
finish recv.1
finish send.2
finish frank

expect send.1 "$lost" "$patience_s"
grep -q '^duet: .*lost' "$T/send.1.err" || fail "send does not say that the peer was lost"
[ ! -e in.1/big ] || fail "a killed receiver left the file under its name"
expect recv.2 "$lost" "$patience_s"
grep -q '^duet: .*lost' "$T/recv.2.err" || fail "recv does not say that the peer was lost"
[ ! -s "$T/recv.2.out" ] || fail "recv claims a file"
[ -z "$(ls -A in.2)" ] || fail "left behind: $(ls -A in.2)"
expect erin "$lost" "$patience_s"
wait_count "$T/erin.out" '^\* frank lost$' 1
if grep '^\* delivered' "$T/erin.out"; then fail "delivered to a dead peer"; fi
