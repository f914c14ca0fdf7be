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

# ---- a program that duet runs, now or one day, inherits nothing ----

# While a file is received: socket, queues, terminal, lock, the file.
inherited() { # the descriptors of WHO beyond 0, 1 and 2 that exec keeps open
    local fd flags
    for fd in "/proc/${PID[$1]}/fdinfo"/*; do
        flags=$(sed -n 's/^flags:[[:space:]]*//p' "$fd" 2>/dev/null) || continue
        [ "${fd##*/}" -le 2 ] || [ -z "$flags" ] || [ $((flags & 02000000)) -ne 0 ] ||
            readlink "/proc/${PID[$1]}/fd/${fd##*/}"
    done
}
# shellcheck disable=SC2016 # for the shell inside: nothing of ours is handed on
closed='for fd in /proc/$$/fd/*; do [ "${fd##*/}" -le 2 ] || eval "exec ${fd##*/}>&-"; done; exec "$@"'
under_way() { [ -n "$(find into -name '.duet-part-*')" ]; }
mkdir into
head -c 3000000 /dev/urandom >slow
start into bash -c "$closed" - "$DUET" recv --home "$(home_of carol)" --accept-new -y -o into -p 0 --trace into.json
port into
start from bash -c "$closed" - "$DUET" send --home "$(home_of dave)" --accept-new --limit 200k -p 0 -c "127.0.0.1:$PORT" slow
within "$WAIT_S" under_way || fail "nothing is under way"
[ "$(find "/proc/${PID[into]}/fd" -type l | wc -l)" -gt 6 ] || fail "its descriptors cannot be read"
for who in into from; do
    [ -z "$(inherited "$who")" ] || fail "$who would hand on: $(inherited "$who")"
done

! LC_ALL=C grep -q "$(printf '\233')" "$T/screen.log" || fail "a terminal without UTF-8 got the byte 9B"
