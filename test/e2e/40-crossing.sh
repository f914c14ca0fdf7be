# In one session files cross in both directions while both talk: nothing is mixed up, and a big file does not hold up
# the text.  Offers are asked about, accepted, rejected and cancelled.
# timeout: 90
set -euo pipefail
. "$ROOT/test/e2e/lib.sh"

files=6
lines=100
mkdir in-a in-b
for ((i = 1; i <= files; i++)); do
    head -c $((i * 1500000)) /dev/urandom >"a$i"
    head -c $((i * 700000)) /dev/urandom >"b$i"
done

talk alice --accept-new -p 0 -y -o in-a
port alice
talk bob --accept-new -p 0 -y -o in-b "127.0.0.1:$PORT"
wait_for "$T/alice.out" '^\* connected'
wait_for "$T/bob.out" '^\* connected'
for ((i = 1; i <= lines; i++)); do
    say alice "text $i"
    say bob "text $i"
    if [ "$i" -le "$files" ]; then
        say alice "/send $T/a$i"
        say bob "/send b$i"
    fi
done
wait_count "$T/alice.out" '^\* received ' "$files"
wait_count "$T/bob.out" '^\* received ' "$files"
wait_count "$T/alice.out" '^\* sent ' "$files"
wait_count "$T/bob.out" '^\* sent ' "$files"
wait_count "$T/alice.out" '^<bob> text' "$lines"
wait_count "$T/bob.out" '^<alice> text' "$lines"
seq -f '<bob> text %g' "$lines" | cmp - <(grep '^<bob> text' "$T/alice.out") || fail "order of bob's text"
seq -f '<alice> text %g' "$lines" | cmp - <(grep '^<alice> text' "$T/bob.out") || fail "order of alice's text"
for ((i = 1; i <= files; i++)); do
    same "a$i" "in-b/a$i"
    same "b$i" "in-a/b$i"
done
say alice '/send no-such-file'
wait_for "$T/alice.out" '^! .*no-such-file'
# End of input while files are under way: both arrive first.
say bob "/send b$files"
say bob "last words"
hang_up bob
expect bob 0
wait_for "$T/alice.out" '^\* bob left$'
same "b$files" "in-a/b$files (1)"
grep -q '^<bob> last words$' "$T/alice.out" || fail "the last words were lost"
say alice /quit
expect alice 0
if grep -h '^!' "$T/alice.out" "$T/bob.out" | grep -v no-such-file; then fail "errors were shown"; fi

# Without -y an offer waits for an answer.  carol sends slowly, so that there is something to overtake and to cancel.
talk carol --accept-new -p 0 --limit 800k
port carol
talk dave --accept-new -p 0 -o in-b "127.0.0.1:$PORT"
wait_for "$T/carol.out" '^\* connected'
wait_for "$T/dave.out" '^\* connected'
under_way() { [ -n "$(find in-b -name '.duet-part-*' -size +0)" ]; }
tidy() { [ -z "$(find in-b -name '.duet-part-*')" ]; }
offer_id() { sed -n "s/^\* offer \([0-9]*\) $1 .*/\1/p" "$T/dave.out"; }
say carol '/send a1'
say carol '/send a2'
say carol '/send a3'
wait_for "$T/dave.out" '^\* offer [0-9]+ a1 1500000$'
wait_for "$T/dave.out" '^\* offer [0-9]+ a2 3000000$'
wait_for "$T/dave.out" '^\* offer [0-9]+ a3 4500000$'
[ ! -e 'in-b/a1 (1)' ] || fail "an offer nobody accepted arrived"
say dave "/reject $(offer_id a1)"
wait_for "$T/carol.out" '^! .*a1'
say dave "/accept $(offer_id a2)"
say dave "/accept $(offer_id a3)"
# Both are under way (1.5 MB and more at 800 kB/s takes seconds): text overtakes them.
within "$WAIT_S" under_way || fail "nothing is under way"
say carol 'quick'
wait_for "$T/dave.out" '^<carol> quick$'
if grep -q '^\* received' "$T/dave.out"; then fail "the files were faster than 800 kB/s"; fi
say dave "/cancel $(offer_id a2)"
wait_for "$T/carol.out" '^! .*a2'
say dave "/cancel 4711"
wait_for "$T/dave.out" '^! .*4711'
say carol '/transfers'
wait_for "$T/carol.out" '^\* .*a3'
wait_for "$T/dave.out" '^\* received .*a3'
same a3 'in-b/a3 (1)'
no_parts in-b
[ "$(find in-b -name 'a2*' | wc -l)" = 1 ] || fail "a cancelled file is there: $(ls in-b)"
# Leaving cancels what is under way, on both sides.
say carol '/send a4'
wait_for "$T/dave.out" '^\* offer [0-9]+ a4 '
say dave "/accept $(offer_id a4)"
within "$WAIT_S" under_way || fail "nothing is under way"
say carol '/quit'
finish carol
wait_for "$T/dave.out" '^\* carol left$'
wait_for "$T/dave.out" '^! .*a4'
within 5 tidy || fail "an unfinished file stays behind"
say dave '/quit'
expect dave 0
