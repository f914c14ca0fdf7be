# Terminals and locales that are not as they should be: lines where the cursor cannot be positioned, C.UTF-8 where the
# locale is missing, and a word about either; numbers do not change with the locale.
# timeout: 60
set -euo pipefail
. "$ROOT/test/e2e/lib.sh"
. "$ROOT/test/e2e/screens.sh"

talk bob --accept-new -p 0
port bob
for term in dumb no-such-terminal; do
    open "$term" "TERM=$term '$DUET' --name $term --home '$(home_of "$term")' --accept-new -p 0 127.0.0.1:$PORT"
    shows "$term" 'no screen: .*\(TERM\)'
    shows "$term" '^\* connected to bob'
    type_line "$term" "from a $term terminal"
    wait_for "$T/bob.out" "^<$term> from a $term terminal\$"
    type_line "$term" /quit
    shows "$term" 'ended-with-0'
done

open ada "LC_ALL=xx_YY.UTF-8 '$DUET' --name ada --home '$(home_of ada)' --accept-new -p 0 127.0.0.1:$PORT"
shows ada 'locale xx_YY.UTF-8 is not installed'
shows ada 'connected to bob'
type_line ada 'zażółć'
wait_for "$T/bob.out" '^<ada> zażółć$'
shows ada '<ada> zażółć'
type_line ada /quit
shows ada 'ended-with-0'

# No locale at all.
open eve "env -u LC_ALL -u LC_CTYPE -u LANG '$DUET' --name eve --home '$(home_of eve)' --accept-new -p 0 127.0.0.1:$PORT"
shows eve 'connected to bob'
type_line eve 'zażółć'
wait_for "$T/bob.out" '^<eve> zażółć$'
shows eve '<eve> zażółć'
if _shows eve 'not installed'; then fail "a word about a locale that nobody asked for"; fi
type_line eve /quit
shows eve 'ended-with-0'

# An 8-bit terminal: its letters come in and go out as they are there, on the screen and as lines; another encoding's are
# a "?", or escaped.  tmux has UTF-8 only, so what is sent to it is kept as it is.
if [ ! -r /usr/share/i18n/charmaps/ISO-8859-15.gz ]; then
    echo "skipped: needs the sources of locales (Debian: locales)"
    exit 77
fi
localedef -f ISO-8859-15 -i de_DE "$T/de_DE.ISO-8859-15"
in_latin="LOCPATH='$T' LC_ALL=de_DE.ISO-8859-15 '$DUET' --home '$(home_of jan)' --accept-new -p 0 --name \"\$(printf 'J\\366rg')\""
_got() { LC_ALL=C grep -a -q -F -e "$2" "$T/$1.raw"; }
got() { within "$WAIT_S" _got "$1" "$2" || fail "$1 was not sent $(cat -v <<<"$2"): $(cat -v "$T/$1.raw")"; }
for how in screen lines; do
    open "$how" "$in_latin $([ "$how" = screen ] || echo --plain) 127.0.0.1:$PORT"
    shows "$how" 'connected to bob'
    tmux pipe-pane -t "$how" "cat >>'$T/$how.raw'"
    keys "$how" -H 63 61 66 e9 20 a4
    if [ "$how" = screen ]; then
        keys screen C-l # drawn anew, and so in one piece
        got screen $'caf\xe9 \xa4'
        keys screen BSpace
        keys screen -H a4
        : >"$T/screen.raw"
    fi
    keys "$how" Enter
    wait_count "$T/bob.out" '^<Jörg> café €$' "$([ "$how" = screen ] && echo 1 || echo 2)"
    say bob 'Crème ł'
    case $how in
    screen)
        got screen $'Cr\xe8me ?'
        got screen $'caf\xe9 \xa4'
        ;;
    lines) got lines $'<bob> Cr\xe8me \\u{142}' ;;
    esac
    type_line "$how" /quit
    shows "$how" 'ended-with-0'
done
say bob /quit
finish bob
