# What is pasted is data: ^C in it quits nothing, no line of it is a command, and several lines are shown and asked about;
# the draft stays, a second paste waits for its turn, and what is not sent is there for ^Y.  Keys that nothing is bound to
# leave nothing in the line; the wheel, Home and End move through the scrollback.
# timeout: 90
set -euo pipefail
. "$ROOT/test/e2e/lib.sh"
. "$ROOT/test/e2e/screens.sh"

mkdir in
talk bob --accept-new -p 0 -y -o in
port bob
open_duet ada -p 0 "127.0.0.1:$PORT"
shows ada 'connected to bob'

# On an empty line ^C would quit, and the rest would run; with a draft the rest would be commands.
paste ada $'foo\x03\n/send /etc/hostname\n'
shows ada 'send 2 pasted lines .*y: yes'
shows ada '/send /etc/hostname'
keys ada y
wait_for "$T/bob.out" '^<ada> foo�⏎/send /etc/hostname$'
if _has "$T/bob.out" '^\* offer'; then fail "a pasted line was run as a command"; fi

# The draft is kept; two pastes get an answer each.
tmux send-keys -t ada -l 'my draft'
paste ada $'one\ntwo\nthree'
shows ada 'send 3 pasted lines'
paste ada $'four\nfive'
keys ada x Enter # no answers
shows ada 'send 3 pasted lines'
keys ada y
wait_for "$T/bob.out" '^<ada> one⏎two⏎three$'
shows ada 'send 2 pasted lines'
keys ada n
shows ada 'not sent: \^Y'
shows ada '^> my draft$'
keys ada Enter
wait_for "$T/bob.out" '^<ada> my draft$'
keys ada C-y
shows ada '^> four⏎five$'
keys ada Enter
wait_for "$T/bob.out" '^<ada> four⏎five$'

# As a file.
paste ada $'to\nkeep'
shows ada 'f: as a file'
keys ada f
wait_for "$T/bob.out" '^\* received .*pasted-1.txt$'
printf 'to\nkeep\n' | cmp - in/pasted-1.txt || fail "not what was pasted"

# Function keys and late answers of a terminal.
keys ada a F5 F12 C-PPage b
tmux send-keys -t ada -H 1b 5b 3f 36 32 3b 32 32 63
keys ada c
shows ada '^> abc$'
keys ada Enter
wait_for "$T/bob.out" '^<ada> abc$'

# Through the scrollback and back.
for i in {1..40}; do say bob "line $i"; done
shows ada '<bob> line 40'
keys ada Home
shows ada '^..:.. \* listening on'
keys ada End
shows ada '<bob> line 40'
for _ in 1 2 3; do tmux send-keys -t ada -H 1b 5b 41 1b 5b 41 1b 5b 41; done # three clicks of a wheel
shows ada 'PgDn: [0-9]+ more below'
shows ada '^> ?$'
keys ada End C-c
shows ada 'ended-with-130'
say bob /quit
finish bob
[ -z "$(find "$T" -mindepth 1 -maxdepth 1 -name 'duet-*')" ] || fail "a pasted file was left behind"
