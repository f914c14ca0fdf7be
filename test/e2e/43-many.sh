# Seventy peers at one: every one gets the message and acknowledges it, and an idle peer stays small, before and after.
# They are of several hosts, as one may bring 32 new keys a minute.
# timeout: 90
set -euo pipefail
. "$ROOT/test/e2e/lib.sh"

peers=70 idle_kib=10240
rss_kib() { awk '/^VmRSS/ { print $2 }' "/proc/${PID[$1]}/status"; }
# The sanitizers need memory of their own.
is_small() { grep -q -e __asan_init -e __tsan_init "$DUET" || [ "$(rss_kib bob)" -le "$idle_kib" ]; }

talk bob --accept-new -4 -p 0
port bob
for ((i = 1; i <= peers; i++)); do
    start "peer$i" "$DUET" recv -k --name "peer$i" --home "$(home_of "peer$i")" --accept-new -4 -p 0 \
        --bind "127.0.0.$((2 + i % 7))" -c "127.0.0.1:$PORT"
    if [ $i -eq 1 ]; then
        wait_for "$T/bob.out" '^\* connected to peer1 '
        is_small || fail "idle: $(rss_kib bob) KiB"
    fi
done
wait_count "$T/bob.out" '^\* connected to peer' $peers
say bob "hello everyone"
wait_for "$T/bob.out" '^\* delivered 1$'
for ((i = 1; i <= peers; i++)); do
    wait_for "$T/peer$i.err" '^<bob> hello everyone$'
done
say bob /peers
wait_count "$T/bob.out" '^\* peer peer[0-9]+ .* connected$' $peers

# One of them is killed: that is no reason to wait, and nobody else is told.
kill -KILL "${PID[peer7]}"
finish peer7
for ((i = 1; i <= peers; i++)); do
    [ $i -eq 7 ] || kill -TERM "${PID[peer$i]}"
done
wait_count "$T/bob.out" '^\* peer[0-9]+ left$' $((peers - 1))
within "$WAIT_S" is_small || fail "idle again: $(rss_kib bob) KiB"
say bob /quit
expect bob 0
