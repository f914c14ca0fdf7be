# What must not get out: the keys in memory, to a core dump or another process of the user; a file of somebody, through a
# trace; a peer's name, as control characters of a terminal without UTF-8.
# timeout: 60
set -euo pipefail
. "$ROOT/test/e2e/lib.sh"

# ---- a process that cannot be dumped belongs to root in /proc ----

nobody=65534
if [ "$(id -u)" = 0 ]; then
    chmod 711 "$T"
    install -d -o "$nobody" -m 700 "$T/nobody"
    install -m 755 "$DUET" "$T/duet" # the tree may be closed to others
    as_nobody() { start "$1" setpriv --reuid="$nobody" --clear-groups env "${@:2}" "$T/duet" recv --home "$T/nobody/home" -o "$T/nobody" -p 0; }
    owner() { stat -c %u "/proc/${PID[$1]}/environ"; }
    as_nobody closed A=1
    port closed
    [ "$(owner closed)" = 0 ] || fail "its memory can be dumped"
    as_nobody open DUET_DEBUG=1
    port open
    [ "$(owner open)" = "$nobody" ] || fail "DUET_DEBUG=1 does not open it"
    kill "${PID[closed]}" "${PID[open]}"
    finish closed
    finish open
fi

# ---- a trace is not written through a link ----

echo precious >precious
ln -s precious trace.json
start trace "$DUET" recv --home "$(home_of carol)" -o . -p 0 --trace trace.json
finish trace
[ "$STATUS" -ne 0 ] && grep -q trace.json "$T/trace.err" || fail "a trace goes through a link"
[ "$(cat precious)" = precious ] || fail "a trace was written over another file"

# ---- a name on a terminal of one byte a character ----

# U+00DB is C3 9B, and 9B begins a control sequence there.
name=$(printf 'a\303\233b')
: >file
talk alice --accept-new -y -o . -p 0 --name "$name"
port alice
mkfifo keyboard
# shellcheck disable=SC2016 # for the shell inside
start terminal bash -c 'exec script -qefc "LC_ALL=C exec \"$DUET\" --plain -v --name bob --accept-new -p 0 $1" screen.log <keyboard' - \
    "127.0.0.1:$PORT"
exec 3>keyboard
wait_for "$T/screen.log" 'connected to'
echo '/send file' >&3
wait_for "$T/screen.log" 'transfer [0-9]+ offered to'
wait_for "$T/screen.log" '^\* sent '
! LC_ALL=C grep -q "$(printf '\233')" "$T/screen.log" || fail "a terminal without UTF-8 got the byte 9B"
