# Started with standard streams closed, without a home, with one that is a file; the folder disappears under a file.
# timeout: 90
set -euo pipefail
. "$ROOT/test/e2e/lib.sh"

system=1 file_error=7

# ---- no descriptor of ours takes the place of a closed standard stream
mkdir in in2
head -c 300000 /dev/urandom >some
transfer() { # transfer DIR: recv is running; some goes to it
    port recv
    start send "$DUET" send --home "$(home_of alice)" --accept-new -p 0 -c "127.0.0.1:$PORT" some
    expect send 0
}
start recv bash -c 'exec "$@" >&-' - "$DUET" recv --home "$(home_of bob)" --accept-new -y -o in -p 0
transfer
expect recv "$system"
same some in/some
[ "$(ls -A in)" = some ] || fail "more than the file: $(ls -A in)"
start recv bash -c 'exec "$@" <&-' - "$DUET" recv --home "$(home_of bob)" --accept-new -y -o in2 -p 0
transfer
expect recv 0
same some in2/some
start chat bash -c 'exec "$@" <&-' - "$DUET" --plain --home "$(home_of bob)" -p 0
expect chat 0 10
grep -q '^\* listening on ' "$T/chat.out" || fail "no line of it"

# ---- nowhere to keep the key
nowhere() { # nowhere PATTERN COMMAND...
    local pattern=$1
    shift
    start odd "$@"
    expect odd "$system" 10
    grep -q -E "^duet: .*$pattern" "$T/odd.err" || fail "odd says something else"
}
: >not-a-folder
nowhere 'Not a directory' "$DUET" id --home not-a-folder
nowhere 'Not a directory' "$DUET" id --home not-a-folder/below
nowhere 'HOME' env -u HOME -u DUET_HOME -u XDG_STATE_HOME "$DUET" id
nowhere '(too long|too large|out of range)' "$DUET" id --home "/tmp/$(head -c 5000 /dev/zero | tr '\0' 'd')"
mkdir state
"$DUET" id --home state >/dev/null
[ "$(stat -c %a state/key)" = 600 ] || fail "the key has mode $(stat -c %a state/key)"
chmod 644 state/key
nowhere 'others can read the key' "$DUET" id --home state

# ---- the folder goes away under a file
mkdir gone
start recv "$DUET" recv --home "$(home_of bob)" --accept-new -y -o gone -p 0
port recv
head -c 3000000 /dev/urandom >big
start send "$DUET" send --home "$(home_of alice)" --accept-new --limit 1MB -p 0 -c "127.0.0.1:$PORT" big
_under_way() { [ -n "$(find gone -name '.duet-part-*' -size +100k)" ]; }
within "$WAIT_S" _under_way || fail "nothing is under way"
rm -r gone
finish send
[ "$STATUS" -ne 0 ] || fail "send claims success"
expect recv "$file_error"
grep -q 'No such file or directory' "$T/recv.err" || fail "recv does not say why"
