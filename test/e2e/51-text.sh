# Text arrives as it was typed, and is made safe where it is shown: from pipe to pipe nothing but lines is changed, on a
# screen every character has its place, and a terminal gets nothing that acts.
# timeout: 90
set -euo pipefail
. "$ROOT/test/e2e/lib.sh"

tab=$'\t' zwsp=$'\u200b' shy=$'\u00ad' rlm=$'\u200f' esc=$'\e'
odd="tab${tab}zwsp${zwsp}shy${shy}rlm${rlm}new🫨"

# Pipe to pipe: every byte, but a newline has a sign and an escape has lost its meaning.
connect_pair ada bob
say ada "$odd"
wait_for "$T/bob.out" '^<ada> tab'
grep -q -F -x -e "<ada> $odd" "$T/bob.out" || fail "not what was said: $(grep '^<ada> tab' "$T/bob.out" | cat -A)"
say ada "${esc}[2Jforged"
wait_for "$T/bob.out" '^<ada> �\[2Jforged$'
say ada $'Gr\xfc\xdfe'
wait_for "$T/ada.out" '^! not sent: it is not UTF-8 \(byte 3 is 0xfc\)'
say ada "/ask bob echo a${tab}b${shy}"
wait_for "$T/ada.out" "^\\* answer bob a${tab}b${shy}\$"
say ada /quit
expect ada 6 # one line was not sent
say bob /quit
finish bob

. "$ROOT/test/e2e/screens.sh"
open_duet ada -p 0
port_of ada
open_duet bob -p 0 "127.0.0.1:$PORT"
shows bob 'connected to ada'
tmux pipe-pane -t bob "cat >'$T/raw'"

# Every character that has a width has its place; flags and joined emoji can be told apart.
for text in 'नाम' 'ทำ น้ำ' 'ﾊﾟ ｶﾞ' '🇩🇪 🇩🇰' '👩💻 👩🚀' '한 각' '䷀䷁' 'कि'; do
    type_line ada "$text."
    shows bob "<ada> $text\\."
done
type_line ada '👩‍💻 end'
shows bob '<ada> 👩💻 end'
paste ada "a${tab}b${zwsp}c"
keys ada Enter
shows bob '<ada> a       b�c'
if grep -q -a -F -e "$zwsp" "$T/raw"; then fail "the terminal was sent a zero width space"; fi
type_line bob '/quit'
shows bob 'ended-with-0'
