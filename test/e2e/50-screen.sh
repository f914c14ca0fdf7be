# Two screens in tmux: chat both ways, a file with its bar, an offer accepted, the terminal resized to nothing and back,
# a killed peer shown, and a terminal that is afterwards as it was before.
# timeout: 120
set -euo pipefail
. "$ROOT/test/e2e/lib.sh"
. "$ROOT/test/e2e/screens.sh"

columns=90 rows=20
report_s=15

mkdir in
head -c 3000000 /dev/urandom >film
head -c 100000 /dev/urandom >picture
open alice "'$DUET' --name alice --home '$(home_of alice)' -4 -p 0 --limit 1MB"
shows alice 'listening on .*:[0-9]+ *$'
PORT=$(screen alice | sed -n 's/^.*listening on .*:\([0-9][0-9]*\) *$/\1/p' | tail -n 1)
open bob "'$DUET' --name bob --home '$(home_of bob)' -o in -p 0 127.0.0.1:$PORT"

# Neither knows the other: a row above the input names each with its key and what to type.  A draft stays what it is, a
# plain line is chat, whoever waits, and nothing takes the row away: a cleared, a scrolled and a tiny screen show it, too.
key=$("$DUET" id --home "$(home_of bob)" | sed 's/.* //')
shows alice "^bob $key.*: /trust.* or /refuse"
shows bob '^alice .*: /trust.* or /refuse'
tmux send-keys -t alice -l 'ye'
shows alice '^> ye *$'
type_line alice 's'
shows alice '<alice> yes'
type_line alice '/clear'
for i in {1..20}; do type_line alice "draft $i"; done
tmux send-keys -t alice PPage PPage
shows alice '<alice> draft 2 *$'
shows alice "^bob $key.*: /trust"
tmux resize-window -t alice -x 20 -y 5
shows alice '^bob: /trust /refuse'
tmux resize-window -t alice -x "$columns" -y "$rows"
shows alice "^bob $key.*: /trust"
if [ -e "$(home_of alice)/known_peers" ]; then fail "a line of chat was a consent"; fi
type_line alice '/trust bob'
shows alice "trusted bob $key"
type_line bob '/trust'
shows alice 'connected to bob'
shows bob 'alice .* connected'
shows bob '<alice> draft 20'
if _shows alice '^bob .*/trust'; then fail "the row stays"; fi

# Both talk; a tick shows what arrived; what is typed can be edited.
type_line alice 'zażółć, bob'
shows bob '<alice> zażółć, bob'
shows alice '✓ <alice> zażółć, bob'
tmux send-keys -t bob -l 'hello alicf'
tmux send-keys -t bob BSpace e Home
tmux send-keys -t bob -l '>> '
tmux send-keys -t bob Enter
shows alice '<bob> >> hello alice'
type_line bob '/hepl'
shows bob '! .*/hepl'

# A file: offered, accepted, both bars move, text overtakes, it arrives.
type_line alice '/send film'
shows bob 'alice offers film.*/accept'
type_line bob '/accept'
shows alice '↑ film +[1-9][0-9]?% \|█.*/s eta '
shows bob '↓ film +[1-9][0-9]?% \|█.*/s eta '
type_line alice 'meanwhile'
shows bob '<alice> meanwhile'
if _shows bob 'received .*film'; then fail "text waited for the file"; fi

# Down to one cell and back, while the file goes: nothing breaks, everything is there again.
for size in '1 1' '2 1' '1 5' '5 2' '40 10' '200 50' "$columns $rows"; do
    read -r x y <<<"$size"
    tmux resize-window -t bob -x "$x" -y "$y"
    tmux resize-window -t alice -x "$x" -y "$y"
done
type_line bob 'still here'
shows alice '<bob> still here'
shows bob '<alice> meanwhile'
shows bob 'in/film|received'
within "$WAIT_S" cmp -s film in/film || fail "the file did not arrive"
shows alice 'bob has film'
type_line alice '/send picture'
shows bob 'alice offers picture'
type_line bob '/reject'
shows alice '! .*picture'

# Many lines, and a page back.
for i in {1..30}; do type_line alice "line $i"; done
shows bob '<alice> line 30'
if _shows bob '<alice> line 1$'; then fail "the screen does not scroll"; fi
tmux send-keys -t bob PPage
shows bob '<alice> line 1$'
tmux send-keys -t bob NPage
shows bob '<alice> line 30'

# bob is killed; alice sees it on her own, within 15 s.
victim=$(pid_of bob)
kill -KILL "$victim"
killed_us=${EPOCHREALTIME/[.,]/}
shows alice 'bob .*unreachable' 30
took_us=$((${EPOCHREALTIME/[.,]/} - killed_us))
[ "$took_us" -le $((report_s * 1000000)) ] || fail "a killed peer was shown after $took_us µs"

# He comes back (a killed program cannot tidy up: his terminal is still raw), and both leave properly.
shows bob 'ended-with-137'
tmux send-keys -t bob -l 'stty sane; clear' && tmux send-keys -t bob C-j
shows bob '^ready:'
type_line bob "'$DUET' --name bob --home '$(home_of bob)' -o in -p 0 127.0.0.1:$PORT; echo ended-with-\$?"
shows bob 'connected to alice'
type_line bob 'here again'
shows alice '<bob> here again'
type_line bob '/quit'
shows bob 'ended-with-0'
shows alice 'bob left'
type_line alice '/quit'
shows alice 'ended-with-0'
within "$WAIT_S" test -s "$T/alice.after" || fail "no shell after the program"
same "$T/alice.before" "$T/alice.after"

# Each way to end it restores the terminal: a signal, ^C, ^D, and an error before the screen is up.
ends() { # ends STATUS WHO: the shell's line is there and the terminal as before
    shows "$2" "ended-with-$1"
    within "$WAIT_S" test -s "$T/$2.after" || fail "no shell after the program"
    same "$T/$2.before" "$T/$2.after"
}
n=0
for how in 'signal TERM 130' 'signal HUP 130' 'key C-c 130' 'key C-d 0'; do
    read -r kind what status <<<"$how"
    n=$((n + 1))
    open "way$n" "'$DUET' --home '$(home_of alice)' -4 -p 0"
    shows "way$n" 'nobody is connected'
    case $kind in
    signal) kill "-$what" "$(pid_of "way$n")" ;;
    key) tmux send-keys -t "way$n" "$what" ;;
    esac
    ends "$status" "way$n"
done
# Suspended and continued.
open stopped "'$DUET' --home '$(home_of alice)' -4 -p 0"
shows stopped 'nobody is connected'
tmux send-keys -t stopped C-z
shows stopped 'ready:'
type_line stopped 'fg'
shows stopped 'nobody is connected'
tmux send-keys -t stopped C-d
shows stopped 'ready:'
