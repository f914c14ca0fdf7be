# Two peers talk: order, both directions at once, receipts, UTF-8, commands, and each way to leave.
# timeout: 60
set -euo pipefail
. "$ROOT/test/e2e/lib.sh"

lines=300

connect_pair alice bob

# Both talk at once, more than fits into any queue; each line arrives once and in order.
speak() { for ((i = 1; i <= lines; i++)); do printf 'line %d of %s\n' "$i" "$1"; done; }
speak alice >&"${INPUT[alice]}" &
speak bob >&"${INPUT[bob]}" &
wait_count "$T/bob.out" '^<alice> line' "$lines"
wait_count "$T/alice.out" '^<bob> line' "$lines"
for pair in 'alice bob' 'bob alice'; do
    read -r from to <<<"$pair"
    speak "$from" | sed "s/^/<$from> /" >"$T/wanted"
    grep "^<$from> line" "$T/$to.out" | cmp - "$T/wanted" || fail "what $from said came to $to in another way"
done
wait_count "$T/alice.out" '^\* delivered' "$lines"
seq "$lines" | cmp - <(sed -n 's/^\* delivered //p' "$T/alice.out" | sort -n) || fail "receipts of alice"

# Text of every kind is shown as it was written; what starts with a slash is a command, // is not.
say alice 'zażółć 😀 日本語 e̋ "quotes" $HOME %s \n'
wait_for "$T/bob.out" '^<alice> zażółć 😀 日本語 e̋ "quotes" \$HOME %s \\n$'
say alice '//usr/bin'
wait_for "$T/bob.out" '^<alice> /usr/bin$'
say alice '/hepl'
wait_for "$T/alice.out" "^! .*/hepl"
say alice '/peers'
wait_for "$T/alice.out" '^\* .*bob'
say alice '/help'
wait_for "$T/alice.out" '^\* .*/send'
long=$(head -c 8000 /dev/zero | tr '\0' x)
say bob "$long"
wait_for "$T/alice.out" "^<bob> x{8000}$"

# End of input leaves when all is delivered; the other is told and may wait for the next.
say bob 'goodbye'
hang_up bob
expect bob 0
wait_for "$T/alice.out" '^<bob> goodbye$'
wait_for "$T/alice.out" '^\* bob left$'

# A third peer comes to the same alice.
port alice
talk carol --accept-new -p 0 "127.0.0.1:$PORT"
wait_for "$T/alice.out" '^\* connected to carol '
say alice 'hello carol'
wait_for "$T/carol.out" '^<alice> hello carol$'
say carol '/quit'
expect carol 0
wait_for "$T/alice.out" '^\* carol left$'

# Everything at once from a pipe: connected, said, delivered, gone.
{ speak dave | "$DUET" --plain --name dave --home "$(home_of dave)" --accept-new -p 0 "127.0.0.1:$PORT" \
    >"$T/dave.out" 2>"$T/dave.err"; } || fail "dave: $?"
wait_count "$T/alice.out" '^<dave> line' "$lines"
wait_for "$T/alice.out" '^\* dave left$'
say alice '/quit'
expect alice 0
if grep -q '^!' "$T/bob.out"; then fail "bob saw errors"; fi
