# duet ask: each command, its answer on stdout and nothing else, and what happens when there is none.
# timeout: 60
set -euo pipefail
. "$ROOT/test/e2e/lib.sh"

usage=2 refused=5
talk bob --accept-new -p 0
port bob
export DUET_HOME
DUET_HOME=$(home_of alice)
ask() { "$DUET" ask --accept-new -p 0 -q -c "127.0.0.1:$PORT" -- "$@" 2>"$T/ask.err"; }
answers() { # answers WANTED ARGUMENT...
    local wanted=$1 got
    shift
    got=$(ask "$@") || fail "ask $*: status $?: $(cat "$T/ask.err")"
    [ "$got" = "$wanted" ] || fail "ask $*: '$got', wanted '$wanted'"
    [ ! -s "$T/ask.err" ] || fail "ask $*: wrote to stderr: $(cat "$T/ask.err")"
}
fails() { # fails STATUS ARGUMENT...
    local wanted=$1 status=0
    shift
    ask "$@" >"$T/ask.out" || status=$?
    [ "$status" -eq "$wanted" ] || fail "ask $*: status $status, wanted $wanted"
    [ ! -s "$T/ask.out" ] || fail "ask $*: wrote to stdout: $(cat "$T/ask.out")"
    [ "$(wc -l <"$T/ask.err")" -eq 1 ] || fail "ask $*: not one line on stderr: $(cat "$T/ask.err")"
}

answers 'hello there' echo hello there
answers 'zażółć 😀' echo 'zażółć 😀'
answers 'ecila' reverse alice
answers 'ńźaj' reverse 'jaźń'
answers '6' sum 1 2 3
answers '-1' sum -4 3
time=$(ask time) || fail "ask time"
grep -q -E '20[0-9][0-9]|[0-9]{2}:[0-9]{2}' <<<"$time" || fail "ask time: $time"
ping=$(ask ping) || fail "ask ping"
[ -n "$ping" ] || fail "ask ping: no answer"
status=$(ask status) || fail "ask status"
version=$("$DUET" --version)
grep -qx "version ${version#duet }" <<<"$status" || fail "ask status: $status"
grep -qx 'peers 1' <<<"$status" || fail "ask status: $status"
grep -q '^path direct, you are .*127.0.0.1' <<<"$status" || fail "ask status: $status"
fails $refused sum one two
fails $usage dance
fails $usage ecoh

# Many at once, and the peer goes on talking.
for i in {1..8}; do
    start "ask$i" "$DUET" ask --accept-new -p 0 -q --home "$(home_of "carol$i")" -c "127.0.0.1:$PORT" echo "answer $i"
done
for i in {1..8}; do
    expect "ask$i" 0
    [ "$(cat "$T/ask$i.out")" = "answer $i" ] || fail "ask$i: $(cat "$T/ask$i.out")"
done
# Escapes of the peer do not act here either: echo sends back what we said.
got=$(ask echo $'a\e[31mb')
[[ $got != *$'\e'* ]] || fail "an escape came back"

# From inside a chat; and a peer that only receives files does not answer.
talk dave --accept-new -p 0 "127.0.0.1:$PORT"
wait_for "$T/dave.out" '^\* connected to bob '
say dave '/ask bob reverse abc'
wait_for "$T/dave.out" '^\* answer bob cba$'
say dave '/ask nobody ping'
wait_for "$T/dave.out" '^! .*nobody'
say dave '/ask bob dance'
wait_for "$T/dave.out" '^! .*dance'
hang_up dave
expect dave 0
say bob /quit
expect bob 0
