# Ways to leave: a closed terminal says goodbye each time; /quit with something undelivered says what it waits for, takes
# keys meanwhile, names what was not delivered, and leaves nothing that was typed to the shell.
# timeout: 120
set -euo pipefail
. "$ROOT/test/e2e/lib.sh"
. "$ROOT/test/e2e/screens.sh"

talk bob --accept-new -p 0
port bob

# Closing a terminal brings SIGHUP from the kernel, from the shell and from the terminal; any of them may come late.
for i in 1 2 3 4 5 6; do
    open_duet "ada$i" -p 0 "127.0.0.1:$PORT"
    shows "ada$i" 'connected to bob'
    wait_for "$T/bob.out" "^\\* connected to ada$i "
    victim=$(pid_of "ada$i")
    if [ $((i % 2)) = 0 ]; then
        tmux kill-session -t "ada$i"
    else
        while kill -HUP "$victim" 2>/dev/null; do :; done
    fi
    wait_for "$T/bob.out" "^\\* ada$i left\$"
done

# bob stands still: what is said does not arrive.
for how in /quit C-c; do
    open_duet ada -p 0 "127.0.0.1:$PORT"
    shows ada 'connected to bob'
    kill -STOP "${PID[bob]}"
    type_line ada 'you will not hear this'
    type_line ada /quit
    shows ada 'waiting for bob to receive 1 line'
    type_line ada "touch '$T/hacked'"
    shows ada 'not sent: duet is quitting'
    if [ "$how" = /quit ]; then
        type_line ada /quit
        shows ada 'ended-with-6'
        shows ada 'duet: not delivered to bob: you will not hear this'
    else
        keys ada C-c
        shows ada 'ended-with-130'
    fi
    kill -CONT "${PID[bob]}"
    [ ! -e "$T/hacked" ] || fail "what was typed for duet ran in the shell"
    tmux kill-session -t ada
done

# What was kept for somebody who left is named as well.
open_duet ada -p 0 "127.0.0.1:$PORT"
shows ada 'connected to bob'
say bob /quit
finish bob
shows ada 'bob left'
type_line ada 'one word more'
shows ada 'kept until bob comes back'
type_line ada /quit
shows ada 'ended-with-6'
shows ada '^duet: never sent to bob: one word more$'
