# shellcheck shell=bash
# test/e2e/lib.sh: peers to start, talk to and wait for, for scenarios to source.
#
#   . "$ROOT/test/e2e/lib.sh"
#   home_of alice                        # its --home; made if need be
#   start NAME COMMAND...                # in the background; ${PID[NAME]}, $T/NAME.out, $T/NAME.err; stdin is empty
#   talk NAME OPTION...                  # duet --plain with a pipe for stdin and a home and name of its own
#   on_terminal NAME COMMAND-LINE        # on a terminal of its own (script); ${PID[NAME]} is script's, $T/NAME.out all
#   needs_terminals                      # skips the scenario where there is no script
#   say NAME LINE                        # write a line to it
#   hang_up NAME                         # end of its input
#   port NAME                            # PORT: the one in its "listening on" line
#   finish NAME [SECONDS]                # wait for its end; STATUS; fails if it does not come
#   expect NAME STATUS [SECONDS]         # finish, and insist on STATUS
#   wait_for FILE PATTERN [SECONDS]      # a line that matches (grep -E); fails with the file if it does not come
#   wait_count FILE PATTERN N [SECONDS]  # so many of them
#   knows_localhost                      # a bare container may have an /etc/hosts without it
#   fail MESSAGE
#
# Nothing here judges by how long something took.  The seconds (WAIT_S unless told) are what a wait takes at the very most
# on an ordinary machine; it is given up as hopeless after PATIENCE times that.
# NS: the network namespace start and talk use (NET_A or NET_B of test/net/lib.sh); empty: this one.

WAIT_S=${WAIT_S:-25}
POLL_S=0.05
PATIENCE=${DUET_TEST_PATIENCE:-10}
declare -A PID=() INPUT=()
STATUS=0 PORT=
NS=

fail() {
    local log
    echo "FAILED (${BASH_SOURCE[1]##*/}:${BASH_LINENO[0]}): $*"
    for log in "$T"/*.out "$T"/*.err; do
        [ -s "$log" ] || continue
        echo "--- ${log##*/}"
        tail -n 15 "$log" | cat -v | cut -c 1-300
    done
    exit 1
}

# within SECONDS COMMAND...: until it succeeds; 1 if it never does.
within() {
    local end=$((SECONDS + $1 * PATIENCE))
    shift
    until "$@"; do
        [ "$SECONDS" -le "$end" ] || return 1
        sleep "$POLL_S"
    done
}

_has() { [ "$(grep -c -E -e "$2" "$1" 2>/dev/null)" -ge "${3:-1}" ]; }

wait_for() { within "${3:-$WAIT_S}" _has "$1" "$2" || fail "no line '$2' in ${1##*/}"; }

wait_count() { within "${4:-$WAIT_S}" _has "$1" "$2" "$3" || fail "not $3 lines '$2' in ${1##*/}"; }

home_of() { printf '%s/home-%s' "$T" "$1"; }

# In the namespace NS, if that is set.  No child may hold the input pipe of another: its end would never come.
_run() {
    local fd
    for fd in "${INPUT[@]}"; do
        exec {fd}>&-
    done
    [ -z "$NS" ] || exec nsenter --net="/run/netns/$NS" "$@"
    exec "$@"
}

# What an earlier one of that name wrote must not be taken for an answer of this one.
start() {
    local name=$1
    shift
    rm -f "$T/$name.out" "$T/$name.err"
    _run "$@" </dev/null >"$T/$name.out" 2>"$T/$name.err" &
    PID[$name]=$!
}

# Each has its own home: NAME up to the first dot, so that bob.2 is bob again.
talk() {
    local name=$1 fd
    shift
    rm -f "$T/$name.in" "$T/$name.out" "$T/$name.err"
    mkfifo "$T/$name.in"
    _run "$DUET" --plain --name "${name%%.*}" --home "$(home_of "${name%%.*}")" "$@" \
        <"$T/$name.in" >"$T/$name.out" 2>"$T/$name.err" &
    PID[$name]=$!
    exec {fd}>"$T/$name.in"
    INPUT[$name]=$fd
}

needs_terminals() {
    command -v script >/dev/null && return
    echo "skipped: needs script, for a terminal that can be asked"
    exit 77
}

on_terminal() {
    local name=$1 fd
    rm -f "$T/$name.in" "$T/$name.out" "$T/$name.err"
    mkfifo "$T/$name.in"
    _run script -qefc "$2" "$T/$name.tty" <"$T/$name.in" >"$T/$name.out" 2>&1 &
    PID[$name]=$!
    exec {fd}>"$T/$name.in"
    INPUT[$name]=$fd
}

# The shell's own printf writes line by line: what is typed ahead would come after the answer to what came before.
say() { env printf '%s\n' "$2" >&"${INPUT[$1]}" || fail "$1 takes no input"; }

hang_up() {
    local fd=${INPUT[$1]}
    exec {fd}>&-
    unset "INPUT[$1]"
}

_listens() { _has "$T/$1.out" 'listening on' || _has "$T/$1.err" 'listening on'; }

port() {
    local log
    within "$WAIT_S" _listens "$1" || fail "$1 does not listen"
    for log in "$T/$1.out" "$T/$1.err"; do
        PORT=$(sed -n 's/.*listening on .*:\([0-9][0-9]*\)\r*$/\1/p' "$log" | head -n 1)
        [ -z "$PORT" ] || return 0
    done
}

_gone() { ! kill -0 "${PID[$1]}" 2>/dev/null; }

finish() {
    within "${2:-$WAIT_S}" _gone "$1" || fail "$1 does not end"
    STATUS=0
    wait "${PID[$1]}" || STATUS=$?
}

expect() {
    finish "$1" "${3:-$WAIT_S}"
    [ "$STATUS" -eq "$2" ] || fail "$1 ended with $STATUS, wanted $2"
}

knows_localhost() { getent hosts localhost >/dev/null; }

same() { cmp "$1" "$2" || fail "$2 is not $1"; }

# Nothing half-received stays behind.
no_parts() { # no_parts DIR
    [ -z "$(find "$1" -name '.duet-part-*')" ] || fail "left behind: $(find "$1" -name '.duet-part-*')"
}

# Two peers talking, a trusted by b and b by a: connect_pair A B [OPTION...], both with the options.
connect_pair() {
    local a=$1 b=$2
    shift 2
    talk "$a" --accept-new -p 0 "$@"
    port "$a"
    talk "$b" --accept-new -p 0 "$@" "127.0.0.1:$PORT"
    wait_for "$T/$a.out" "^\* connected to "
    wait_for "$T/$b.out" "^\* connected to "
}
