# Either may wait, connect, or both connect at once, in any order: the end is one session.
# timeout: 90
set -euo pipefail
. "$ROOT/test/e2e/lib.sh"

crossings=5
# Two addresses of our own on loopback, so that both can have a port the other knows beforehand.
host=127.$((1 + $$ % 250)).$((1 + $$ / 250 % 250))
a=$host.1 b=$host.2
at() { echo -4 --accept-new --bind "$1" -p 6254; }

one_session() { # one_session WHO OTHER: connected once and to nobody else, nothing lost on the way
    wait_for "$T/$1.out" "^\* connected to ${2%%.*} "
    say "$1" "hello from $1"
    wait_for "$T/$2.out" "^<${1%%.*}> hello from $1\$"
    wait_for "$T/$1.out" '^\* delivered 1$'
    [ "$(grep -c '^\* connected to' "$T/$1.out")" = 1 ] || fail "$1 connected more than once"
    sed '/^! .* says that nothing is listening on port [0-9]*; still trying$/d' "$T/$1.out" >"$T/$1.seen"
    if grep -E '^!|left$|lost$|unreachable$' "$T/$1.seen"; then fail "$1 saw more than one session"; fi
}

part() { # part A B
    one_session "$1" "$2"
    one_session "$2" "$1"
    say "$1" /quit
    expect "$1" 0
    wait_for "$T/$2.out" "^\* ${1%%.*} left\$"
    say "$2" /quit
    finish "$2"
}

# shellcheck disable=SC2046 # words on purpose
{
    # The one that connects is there first: nobody answers, the host even says so, and it goes on trying.
    talk bob $(at "$b") "$a"
    wait_for "$T/bob.out" '^\* listening on'
    talk alice $(at "$a")
    part alice bob

    # Both connect at once, several times: the keys decide who gives way, not the moment.
    for ((i = 1; i <= crossings; i++)); do
        talk "alice.$i" $(at "$a") "$b"
        talk "bob.$i" $(at "$b") "$a"
        part "alice.$i" "bob.$i"
    done

    # Files: the receiver connects to the sender that waits, and both at once.
    echo content >file
    mkdir in
    start send "$DUET" send --home "$(home_of alice)" $(at "$a") file
    start recv "$DUET" recv --home "$(home_of bob)" --accept-new -p 0 -y -o in -c "$a"
    expect send 0
    expect recv 0
    same file in/file
    start send "$DUET" send --home "$(home_of alice)" $(at "$a") -c "$b" file
    start recv "$DUET" recv --home "$(home_of bob)" $(at "$b") -y -o in -c "$a"
    expect send 0
    expect recv 0
    same file 'in/file (1)'

    # Two that send: one session, in which both learn that the other takes no files.
    start one "$DUET" send --home "$(home_of alice)" $(at "$a") -c "$b" file
    start two "$DUET" send --home "$(home_of bob)" $(at "$b") -c "$a" file
    expect one 5
    expect two 5
    for who in one two; do
        wait_for "$T/$who.err" '^connected to '
        wait_for "$T/$who.err" '^duet: sending file.*: the peer does not accept files$'
    done
}

# A restarted peer is a new session of the same peer: the old one is not waited for.
talk alice.r --accept-new -p 0
port alice.r
talk bob.r --accept-new -p 0 "127.0.0.1:$PORT"
wait_for "$T/alice.r.out" '^\* connected to bob '
kill -KILL "${PID[bob.r]}"
finish bob.r
talk bob.s --accept-new -p 0 "127.0.0.1:$PORT"
wait_count "$T/alice.r.out" '^\* connected to bob ' 2
say bob.s 'again'
wait_for "$T/alice.r.out" '^<bob> again$'
say bob.s /quit
expect bob.s 0
say alice.r /quit
finish alice.r
