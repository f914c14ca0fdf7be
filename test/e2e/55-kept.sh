# What is said and sent after somebody left is for nobody else: it is kept by key for who was here, or for whom was called;
# it is listed, can be cancelled, and goes out when that one comes back.
# timeout: 90
set -euo pipefail
. "$ROOT/test/e2e/lib.sh"

mkdir in
echo content >file
echo other >other
talk ada --accept-new -p 0
port ada
say ada 'for who comes first'
talk bob --accept-new -p 0 -y -o in "127.0.0.1:$PORT"
wait_for "$T/bob.out" '^<ada> for who comes first$'
wait_for "$T/ada.out" '^\* delivered 1$'
say bob /quit
expect bob 0
wait_for "$T/ada.out" '^\* bob left$'

say ada 'only for bob'
wait_for "$T/ada.err" 'bob is not here: what you say is kept until bob comes back'
say ada "/send $T/file"
say ada "/send $T/other"
wait_for "$T/ada.err" '/other is kept for bob: /cancel k2 drops it'
say ada "/send $T/nothing"
wait_for "$T/ada.out" '^! sending .*/nothing: No such file'
say ada "/send $T/in"
wait_for "$T/ada.out" '^! sending .*/in: it is a directory'
say ada /transfers
wait_for "$T/ada.out" '^\* transfer k1 kept for bob: .*/file$'
wait_for "$T/ada.out" '^\* kept for later: 1 line$'
if grep -q 'no transfers' "$T/ada.out"; then fail "what is kept is no transfer"; fi
say ada '/cancel k2'
wait_for "$T/ada.out" '^\* k2 is no longer kept$'

# Somebody else comes: not a word of it.
talk eve --accept-new -p 0 -y -o in "127.0.0.1:$PORT"
wait_for "$T/ada.out" '^\* connected to eve '
say ada 'hello eve'
wait_for "$T/eve.out" '^<ada> hello eve$'
if grep -q 'only for bob\|offer' "$T/eve.out"; then fail "eve got what was meant for bob"; fi

talk bob --accept-new -p 0 -y -o in "127.0.0.1:$PORT"
wait_for "$T/bob.out" '^<ada> only for bob$'
wait_for "$T/bob.out" '^\* received .*file$'
same file in/file
if [ -e in/other ]; then fail "what was cancelled was sent"; fi
wait_for "$T/ada.out" '^\* delivered 2$'
for who in bob eve; do
    say "$who" /quit
    expect "$who" 0
done
say ada /quit
expect ada 0
