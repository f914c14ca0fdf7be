# A thousand strangers of ten hosts, a stream of new keys, beside a chat and a file: no line is lost, of the user's neither;
# they get a line each ten seconds and nothing of known_peers; memory stays; a new peer that is no stranger to the user gets in.
# timeout: 240
set -euo pipefail
. "$ROOT/test/e2e/lib.sh"
needs_terminals

strangers=1000 seconds=${STRANGERS_S:-30} growth_max_kib=32768 line_s=10 lines=40
is_sanitized() { grep -q -e __asan_init -e __tsan_init "$DUET"; }

# The two know each other.
mkdir in
head -c $((seconds * 1000000)) /dev/urandom >film
connect_pair bob alice
for who in alice bob; do say $who /quit; done
for who in alice bob; do expect $who 0; done
cp "$(home_of bob)/known_peers" known.before

# Bob has a terminal, so that strangers wait for his word.
on_terminal bob "stty -echo; exec '$DUET' --plain --name bob --home '$(home_of bob)' -o in -y -4 -p 0"
port bob
talk alice -4 -p 0 --limit 1MB "127.0.0.1:$PORT"
wait_for "$T/alice.out" '^\* connected to bob '
say alice '/send film'
wait_for "$T/bob.out" '^\* offer 1 film'
duet_pid=$(pgrep -P "${PID[bob]}" -x duet)
rss_kib() { awk '/^VmRSS/ { print $2 }' "/proc/$duet_pid/status"; }
before_kib=$(rss_kib)

came=$SECONDS
start crowd "$BUILD/test/crowd" knock "$PORT" $strangers "$seconds"
wait_for "$T/bob.out" '^\* stranger crowd-0 '
for ((i = 1; i <= lines; i++)); do
    say alice "from alice $i"
    say bob "y"$'\n'"from bob $i"
    sleep "$(awk -v s="$seconds" -v n=$lines 'BEGIN { print s / n }')"
    if [ $i -eq $((lines / 2)) ]; then # one whom bob expects
        began=$EPOCHREALTIME
        talk carol --accept-new -4 -p 0 --bind 127.0.3.1 "127.0.0.1:$PORT"
        wait_for "$T/carol.out" 'listening'
        key=$("$DUET" id --home "$(home_of carol)" | sed 's/.* //')
        until _has "$T/carol.out" '^\* connected to bob '; do # a command that comes too early names nobody who waits
            say bob "/trust $key"
            sleep 0.3
            if _gone carol; then fail "carol was turned away"; fi
        done
        echo "a new peer was let in after $(awk -v a="$began" -v b="$EPOCHREALTIME" 'BEGIN { print b - a }') s"
    fi
done
expect crowd 0
grep '^knocked' "$T/crowd.out"
after_kib=$(rss_kib)

# Everything said arrived, each once and in order.
for ((i = 1; i <= lines; i++)); do echo "<alice> from alice $i"; done >want.alice
for ((i = 1; i <= lines; i++)); do printf '<bob> y\n<bob> from bob %d\n' "$i"; done >want.bob
wait_for "$T/bob.out" "from alice $lines"
wait_for "$T/alice.out" "from bob $lines"
grep -a '^<alice>' "$T/bob.out" | tr -d '\r' >got.alice
grep '^<bob>' "$T/alice.out" >got.bob
same want.alice got.alice
same want.bob got.bob
wait_for "$T/alice.out" '^\* sent film' 60
cmp film in/film || fail "the file is not what it was"

told=$(grep -a -c -E '^(\* strangers? |! (crowd|[0-9]+ more))' "$T/bob.out")
lasted=$((SECONDS - came + 1))
echo "$told lines about strangers in $lasted s, $before_kib KiB before, $after_kib KiB after"
[ "$told" -le $((lasted / line_s + 1)) ] || fail "$told lines about strangers in $lasted s"
is_sanitized || [ $((after_kib - before_kib)) -le $growth_max_kib ] || fail "memory grew by $((after_kib - before_kib)) KiB"
grep -v "	carol	" "$(home_of bob)/known_peers" | cmp - known.before || fail "strangers are in known_peers"
say bob /quit
finish bob
hang_up bob
