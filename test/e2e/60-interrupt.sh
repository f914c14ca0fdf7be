# Interrupted, killed, or out of disk in the middle of a file: the documented status, the other side is told why, and no
# half file and no temporary file stays under any name.
# timeout: 90
set -euo pipefail
. "$ROOT/test/e2e/lib.sh"

interrupted=130 lost=6 file_error=7
head -c 20000000 /dev/urandom >big
mkdir in

under_way() { [ -n "$(find in -name '.duet-part-*' -size +100k)" ]; }
begin() { # a transfer at 1 MB/s, well under way
    start recv "$DUET" recv --name bob --home "$(home_of bob)" --accept-new -y -o in -p 0
    port recv
    start send "$DUET" send --name alice --home "$(home_of alice)" --accept-new --limit 1MB -p 0 \
        -c "127.0.0.1:$PORT" big
    within "$WAIT_S" under_way || fail "nothing is under way"
}
nothing_left() { [ -z "$(ls -A in)" ] || fail "left behind: $(ls -A in)"; }

for signal in INT TERM HUP; do
    begin
    kill "-$signal" "${PID[send]}"
    expect send "$interrupted"
    expect recv "$lost"
    nothing_left
    [ ! -s "$T/recv.out" ] || fail "recv claims a file"
    grep -q '^duet: .*big' "$T/recv.err" || fail "recv does not say which file did not come"
done

for signal in INT TERM; do
    begin
    kill "-$signal" "${PID[recv]}"
    expect recv "$interrupted"
    finish send
    [ "$STATUS" -ne 0 ] || fail "send claims success"
    grep -q '^duet: ' "$T/send.err" || fail "send says nothing"
    nothing_left
done

# Killed: the sender gives up after --timeout of silence; the file is not there under its name, and its temporary file
# goes with the next file received there, once it is old enough to be nobody's.
begin
kill -KILL "${PID[recv]}"
finish recv
[ ! -e in/big ] || fail "a killed receiver left the file under its name"
under_way || fail "nothing was left to sweep"
kill -TERM "${PID[send]}"
expect send "$interrupted"
find in -name '.duet-part-*' -exec touch -d '10 minutes ago' {} +
echo small >small
start recv "$DUET" recv --name bob --home "$(home_of bob)" --accept-new -y -o in -p 0
port recv
start send "$DUET" send --name alice --home "$(home_of alice)" --accept-new -p 0 -c "127.0.0.1:$PORT" small
expect send 0
expect recv 0
same small in/small
rm in/small
nothing_left

# While it waits for somebody, and while it connects.
start wait "$DUET" send -p 0 --home "$(home_of alice)" big
port wait
kill -INT "${PID[wait]}"
expect wait "$interrupted"
start dial "$DUET" send -p 0 -v --home "$(home_of alice)" -c 127.0.0.1:1 big
port dial
kill -INT "${PID[dial]}"
expect dial "$interrupted"

# The source changes while it is sent: never "sent", never "received".
cp big changing
start recv "$DUET" recv --home "$(home_of bob)" --accept-new -y -o in -p 0
port recv
start send "$DUET" send --home "$(home_of alice)" --accept-new --limit 2MB -p 0 -c "127.0.0.1:$PORT" changing
within "$WAIT_S" under_way || fail "nothing is under way"
truncate -s 1000 changing
expect send "$file_error"
finish recv
[ "$STATUS" -ne 0 ] || fail "recv claims success"
nothing_left

# The disk fills up: that file fails with the reason, and the chat goes on.
if [ "$(id -u)" = 0 ] && mkdir full && mount -t tmpfs -o size=1m tmpfs full 2>/dev/null; then
    trap 'umount -l "$T/full"' EXIT
    talk bob --accept-new -p 0 -y -o full
    port bob
    talk alice --accept-new -p 0 "127.0.0.1:$PORT"
    wait_for "$T/alice.out" '^\* connected'
    say alice '/send big'
    wait_for "$T/bob.out" '^! .*big.*No space left on device'
    wait_for "$T/alice.out" '^! .*big'
    [ -z "$(ls -A full)" ] || fail "left behind on the full disk: $(ls -A full)"
    say alice 'never mind'
    wait_for "$T/bob.out" '^<alice> never mind$'
    say alice /quit
    finish alice
    say bob /quit
    finish bob
fi
