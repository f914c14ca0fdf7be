# Through a bad link, 50 ms round trip: a file arrives intact through loss, reordering and duplicates, in either
# direction, and what is said meanwhile arrives in order.
# timeout: 150
set -euo pipefail
. "$ROOT/test/e2e/lib.sh"
. "$ROOT/test/net/lib.sh"
net_need_root

bytes=$((${DUET_TEST_LOSS_KB:-20000} * 1000))
lines=40

head -c "$bytes" /dev/urandom >file-a
head -c 300000 /dev/urandom >file-b
mkdir in-a in-b
net_up --seed 11 'delay 25ms' 'loss 5' 'reorder 1 3ms' 'duplicate 1'
NS=$NET_A talk alice --accept-new -y -o in-a -p 6254
wait_for "$T/alice.out" '^\* listening on'
NS=$NET_B talk bob --accept-new -y -o in-b "$NET_A_IP"
wait_for "$T/alice.out" '^\* connected to bob '
wait_for "$T/bob.out" '^\* connected to alice '
say alice '/send file-a'
say bob '/send file-b'
for ((i = 1; i <= lines; i++)); do
    say alice "line $i"
    say bob "line $i"
done
wait_count "$T/bob.out" '^<alice> line' "$lines"
wait_count "$T/alice.out" '^<bob> line' "$lines"
for from in alice bob; do
    to=$([ "$from" = alice ] && echo bob || echo alice)
    seq -f "<$from> line %g" "$lines" | cmp - <(grep "^<$from> line" "$T/$to.out") || fail "text came out of order"
done
wait_for "$T/alice.out" '^\* received in-a/file-b$' 100
wait_for "$T/bob.out" '^\* received in-b/file-a$' 100
wait_for "$T/alice.out" '^\* sent file-a$'
same file-a in-b/file-a
same file-b in-a/file-b
for direction in ab ba; do
    [ "$(net_stat "$direction" dropped_loss)" -gt 0 ] || fail "nothing was lost on the way ($direction)"
done
say bob /quit
expect bob 0
wait_for "$T/alice.out" '^\* bob left$'
if grep -h '^!' "$T/alice.out" "$T/bob.out"; then fail "errors were shown"; fi
