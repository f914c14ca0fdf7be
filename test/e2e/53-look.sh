# What the screen looks like: a long link has rows of its own from the left edge, without the blanks of the gutter in it;
# colours by key, none with NO_COLOR; and a quiet conversation writes nothing to the terminal.
# timeout: 60
set -euo pipefail
. "$ROOT/test/e2e/lib.sh"
. "$ROOT/test/e2e/screens.sh"

talk bob --accept-new -p 0
port bob
open_duet ada -p 0 "127.0.0.1:$PORT"
shows ada 'connected to bob'
link=https://example.org/$(printf 'part%02d/' {1..20})
say bob "see $link now"
shows ada '^        now'
screen ada | tr -d '\n' | grep -q -F -e "<bob> see$link" || fail "the link is not in one piece"
tmux capture-pane -e -p -t ada >"$T/colours"
grep -q $'\e\\[38;5;[0-9]*m<bob>' "$T/colours" || fail "the peer's name has no colour: $(grep bob "$T/colours" | cat -v)"

# The round trip time is asked for when somebody comes, and then each ten seconds: a while without a byte comes.
shows ada 'rtt [0-9.]+ ms'
tmux pipe-pane -t ada "cat >>'$T/raw'"
_is_quiet() {
    : >"$T/raw"
    sleep 3
    [ ! -s "$T/raw" ]
}
within "$WAIT_S" _is_quiet || fail "the screen never rests: $(cat -v "$T/raw")"
tmux pipe-pane -t ada
type_line ada /quit
shows ada 'ended-with-0'

# A terminal that takes links is told the whole of each piece, and only when it changed.
open dan "TERM=xterm-256color KITTY_WINDOW_ID=1 '$DUET' --name dan --home '$(home_of dan)' --accept-new -4 -p 0 127.0.0.1:$PORT"
shows dan 'connected to bob'
tmux pipe-pane -t dan "cat >>'$T/raw.dan'"
say bob "see $link now"
shows dan '^        now'
_linked() { [ "$(grep -a -o -F -e ";$link"$'\e\\' "$T/raw.dan" | wc -l)" -ge 2 ]; }
within "$WAIT_S" _linked || fail "the terminal was not told of the link: $(cat -v "$T/raw.dan")"
screen dan | tr -d '\n' | grep -q -F -e "<bob> see$link" || fail "what the link was written over is not the same"
type_line dan /quit
shows dan 'ended-with-0'

open eve "NO_COLOR=1 '$DUET' --name eve --home '$(home_of eve)' --accept-new -4 -p 0 127.0.0.1:$PORT"
shows eve 'connected to bob'
say bob 'in black and white'
shows eve 'in black and white'
tmux capture-pane -e -p -t eve >"$T/plain"
if grep -q -E $'\e\\[([0-9]+;)*[34][0-8]' "$T/plain"; then fail "colours though NO_COLOR is set"; fi
type_line eve /quit
shows eve 'ended-with-0'
say bob /quit
finish bob
