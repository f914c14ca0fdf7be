# shellcheck shell=bash
# test/e2e/screens.sh: peers on screens in tmux, for scenarios to source after lib.sh.
#
#   open WHO COMMAND-LINE       # a shell in a window of its own that runs it, and says "ended-with-STATUS"
#   open_duet WHO OPTION...     # duet on a screen, with a home and name of its own
#   screen WHO                  # what is on it
#   shows WHO PATTERN [SECONDS] # wait for it (grep -E); fails with the screen if it does not come
#   type_line WHO TEXT          # typed, and Enter
#   keys WHO KEY...             # as tmux send-keys names them
#   paste WHO TEXT              # as the clipboard of a terminal gives it: in brackets, if the program asked for them
#   port_of WHO                 # PORT: where it listens
#   pid_of WHO                  # of the duet on it

if ! command -v tmux >/dev/null; then
    echo "skipped: needs tmux"
    exit 77
fi
columns=90 rows=20

screen() { tmux capture-pane -p -t "$1"; }
_shows() { grep -q -E -e "$2" <<<"$(screen "$1")"; }
shows() { # shows WHO PATTERN [SECONDS]
    within "${3:-$WAIT_S}" _shows "$1" "$2" || {
        screen "$1"
        fail "the screen of $1 does not show '$2'"
    }
}
type_line() { tmux send-keys -t "$1" -l "$2" && tmux send-keys -t "$1" Enter; }
paste() { tmux set-buffer -b paste -- "$2" && tmux paste-buffer -p -b paste -t "$1"; }
keys() { tmux send-keys -t "$1" "${@:2}"; }
# A shell stays behind the program, to ask the terminal how it is.
open() { # open WHO COMMAND-LINE
    tmux new-session -d -s "$1" -x "$columns" -y "$rows" "PS1='ready:' sh -i"
    shows "$1" '^ready:'
    type_line "$1" "stty -a >'$T/$1.before'; echo \$\$ >'$T/$1.shell'; $2; echo ended-with-\$?; stty -a >'$T/$1.after'"
}
pid_of() { pgrep -P "$(cat "$T/$1.shell")" -x duet; }
open_duet() {
    local who=$1
    shift
    open "$who" "'$DUET' --name '$who' --home '$(home_of "$who")' --accept-new -4 $(printf "'%s' " "$@")"
}
# shellcheck disable=SC2034 # PORT is for who calls
port_of() {
    shows "$1" 'listening on .*:[0-9]+ *$'
    PORT=$(screen "$1" | sed -n 's/^.*listening on .*:\([0-9][0-9]*\) *$/\1/p' | tail -n 1)
}
