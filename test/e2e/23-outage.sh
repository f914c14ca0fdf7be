# Silence: a killed peer is reported within 15 s; an outage in the middle of a transfer costs nothing but time, is
# shown when it is long, and so is its end.
# timeout: 150
set -euo pipefail
. "$ROOT/test/e2e/lib.sh"
. "$ROOT/test/net/lib.sh"
net_need_root

short_s=10       # too short to be shown
report_s=15      # a dead peer is shown by then: promised
bytes=11000000
now_us() { echo "${EPOCHREALTIME/[.,]/}"; }

head -c "$bytes" /dev/urandom >file
mkdir in
net_up --seed 5 'delay 20ms' 'rate 8M' 'queue 200k'
NS=$NET_A start recv "$DUET" recv --home "$(home_of carol)" --accept-new -y -o in -p 7000
NS=$NET_A talk alice --accept-new -p 6254
wait_for "$T/alice.out" '^\* listening on'
NS=$NET_B talk bob --accept-new "$NET_A_IP"
wait_for "$T/alice.out" '^\* connected to bob '
wait_for "$T/bob.out" '^\* connected to alice '
wait_for "$T/recv.err" 'listening on'
NS=$NET_B start send "$DUET" send --home "$(home_of dave)" --accept-new -p 0 -c "$NET_A_IP:7000" file

# A fifth has arrived: the cable is pulled for 10 s.
wait_for "$T/recv.err" ' [2-9][0-9]% '
net_ctl 'hole both on' >/dev/null
sleep "$short_s"
net_ctl 'hole both off' >/dev/null
if grep -E 'unreachable|lost' "$T/recv.err" "$T/send.err"; then fail "$short_s s were shown as an outage"; fi
wait_for "$T/recv.err" ' [5-9][0-9]% '

# Now for as long as it takes to be noticed, and meanwhile a peer on loopback is killed.
connect_pair erin frank
net_ctl 'hole both on' >/dev/null
kill -KILL "${PID[frank]}"
killed_us=$(now_us)
wait_for "$T/erin.out" '^\* frank is unreachable$' 30
took_us=$(($(now_us) - killed_us))
echo "killed peer reported after $((took_us / 1000)) ms"
[ "$took_us" -le $((report_s * 1000000)) ] || fail "a killed peer was reported after $took_us µs"
wait_for "$T/alice.out" '^\* bob is unreachable$' 30
wait_for "$T/bob.out" '^\* alice is unreachable$' 30
say alice 'said into the hole'
net_ctl 'hole both off' >/dev/null
wait_for "$T/alice.out" '^\* bob is back$'
wait_for "$T/bob.out" '^\* alice is back$'
wait_for "$T/bob.out" '^<alice> said into the hole$'
wait_for "$T/alice.out" '^\* delivered 1$'
[ "$(grep -c 'said into' "$T/bob.out")" = 1 ] || fail "a text came twice"
expect send 0 40
expect recv 0
same file in/file
no_parts in
if grep -E 'left$|lost$' "$T/alice.out" "$T/bob.out"; then fail "the session did not survive"; fi
