# A peer that talks without end, gives itself a name made to be misread, or sends what a shell would run: lines keep one
# reading, memory stays bounded while nobody looks, and the user can always leave.
# timeout: 120
set -euo pipefail
. "$ROOT/test/e2e/lib.sh"

interrupted=130

# ---- names: one word, no brackets, none of the words events begin with
named() { # named NAME SHOWN
    talk bob --accept-new -p 0
    port bob
    "$DUET" --plain --name "$1" --home "$(home_of eve)" --accept-new -p 0 "127.0.0.1:$PORT" \
        <<<'hello' >"$T/eve.out" 2>"$T/eve.err" || fail "eve ended with $?"
    wait_for "$T/bob.out" ' left$'
    say bob /quit
    expect bob 0
    grep -q -E "^\* connected to $2 [-a-z2-7]+\$" "$T/bob.out" || fail "'$1' connected as something else than $2"
    grep -q -F -x -e "<$2> hello" "$T/bob.out" || fail "the text of '$1' has another sender than $2"
    grep -q -F -x -e "* $2 left" "$T/bob.out" || fail "'$1' left as something else than $2"
}
named 'x> hi' 'x__hi'
named 'alice left' 'alice_left'
named 'alice aaaa-bbbb' 'alice_aaaa-bbbb'
named 'received' '_received'
named 'Zoë' 'Zoë'

# ---- nothing hidden is planted, with -y neither
mkdir out in
echo 'echo owned' >out/.bashrc
start recv "$DUET" recv --home "$(home_of bob)" --accept-new -y -o in -p 0
port recv
start send "$DUET" send --home "$(home_of alice)" --accept-new -p 0 -c "127.0.0.1:$PORT" out/.bashrc
expect send 0
expect recv 0
[ "$(ls -A in)" = _.bashrc ] || fail "received as $(ls -A in)"

# ---- lines without end: a signal is heard nevertheless
flood() { # flood OPTION...: somebody who never stops talking to PORT
    head -c 700 /dev/zero | tr '\0' 'x' >"$T/chatter"
    _run "$DUET" --plain --name eve --home "$(home_of eve)" --accept-new -p 0 "127.0.0.1:$PORT" \
        < <(exec yes "$(cat "$T/chatter")") >/dev/null 2>"$T/eve.err" &
    PID[eve]=$!
}
rss_kb() { awk '/^VmRSS/ {print $2}' "/proc/${PID[$1]}/status"; }
talk bob --accept-new -p 0
port bob
flood
wait_count "$T/bob.out" '^<eve> x' 2000
kill -INT "${PID[bob]}"
expect bob "$interrupted" 10
kill "${PID[eve]}"
finish eve

# ---- nobody reads what is written: memory stays bounded, the peer stays connected, a signal ends it
mkfifo stopped
exec 9<>stopped
_run "$DUET" --plain --name bob --home "$(home_of bob)" --accept-new -p 0 <"$T/bob.in" >stopped 2>"$T/bob.err" &
PID[bob]=$!
exec 8>"$T/bob.in"
read -r -u 9 line
PORT=${line##*:}
head -c 900000 /dev/zero | tr '\0' 'y' >"$T/chatter"
_run "$DUET" --plain --name eve --home "$(home_of eve)" --accept-new -p 0 "127.0.0.1:$PORT" \
    < <(while cat "$T/chatter"; do echo; done) >"$T/eve.out" 2>"$T/eve.err" &
PID[eve]=$!
wait_for "$T/eve.out" '^\* connected to '
sleep 6
[ "$(rss_kb bob)" -lt 150000 ] || fail "bob took $(rss_kb bob) kB for texts nobody reads"
grep -q -E 'lost|left|unreachable|^!' "$T/eve.out" && fail "the connection suffered from a reader that stopped"
kill -TERM "${PID[bob]}"
expect bob "$interrupted" 10
exec 8>&- 9>&-
kill "${PID[eve]}"
finish eve
