# What a peer names and says never acts on a terminal: no escape, newline, bidi or other control character gets through,
# in plain mode, in recv's lines, and on the screen of a real terminal.  What a program reads keeps its format characters,
# but has nothing that ends a line or starts a sequence.
# timeout: 90
set -euo pipefail
. "$ROOT/test/e2e/lib.sh"

esc=$'\e' bel=$'\a' rlo=$'\u202e' c1=$'\u009b' zws=$'\u200b'
names=(
    "clear${esc}[2Jscreen"
    "title${esc}]0;owned${bel}"
    $'two\nlines'
    $'car\rriage'
    "evil${rlo}fdp.exe"
    "csi${c1}31mred"
    "zero${zws}width"
    $'not\xff\xfeutf8'
    '-rf'
    '--help'
    '...'
    '~'
    $'tab\tbed'
    "$(printf 'e%.0s\xcc\x81' {1..85})" # 255 bytes that normal form C shortens
    "x$(printf '\xcc\x81%.0s' {1..100})" # a tower of marks
    '.duet-part-12345678'
)

mkdir out in
for name in "${names[@]}"; do printf 'content of %q\n' "$name" >"out/$name"; done
count=${#names[@]}
[ "$(find out -type f -printf x | wc -c)" -eq "$count" ] || fail "the test's own files"

# Nothing that acts: C0 but newline, DEL, C1, bidi controls, zero width space, invalid UTF-8.  CR is looked for by the
# caller where a terminal was written to.
harmless_lines() { # harmless_lines FILE...
    local file
    for file in "$@"; do
        iconv -f UTF-8 -t UTF-8 "$file" >/dev/null 2>&1 || fail "invalid UTF-8 in ${file##*/}"
        if LC_ALL=C grep -a -n $'[\x01-\x09\x0b-\x1f\x7f]' "$file" | cat -v; then fail "control characters in ${file##*/}"; fi
        if grep -n -P '[\x{80}-\x{9f}\x{2028}\x{2029}]' "$file" | cat -v; then fail "C1 controls in ${file##*/}"; fi
    done
}
harmless() { # harmless FILE...
    local file
    harmless_lines "$@"
    for file in "$@"; do
        if grep -n -P '[\x{200b}\x{202a}-\x{202e}\x{2066}-\x{2069}]' "$file" | cat -v; then
            fail "format characters in ${file##*/}"
        fi
    done
}
harmless_names() { # harmless_names DIR
    find "$1" -mindepth 1 -printf '%P\0' | tr '\n\0' '\1\n' >"$T/listing"
    harmless "$T/listing"
    if grep -q '^-' "$T/listing"; then fail "a name that looks like an option"; fi
}

start recv "$DUET" recv --home "$(home_of bob)" --accept-new -y -o in -p 0
port recv
start send "$DUET" send --home "$(home_of alice)" --accept-new -p 0 -c "127.0.0.1:$PORT" out/* out/.duet* out/...
expect send 0
expect recv 0
[ "$(find in -type f -printf x | wc -c)" -eq "$count" ] || fail "not every file arrived: $(find in -type f -printf x | wc -c) of $count"
for name in "${names[@]}"; do
    grep -q -r -F -x -e "content of $(printf '%q' "$name")" in || fail "nowhere: $(printf '%q' "$name")"
done
harmless_names in
[ "$(wc -l <"$T/recv.out")" -eq "$count" ] || fail "stdout of recv has not one line a file"
harmless "$T"/recv.out "$T"/recv.err "$T"/send.err
no_parts in

# A sender cannot leave the folder, whatever it is started with.
mkdir in2
start recv "$DUET" recv --home "$(home_of bob)" --accept-new -y -o in2 -p 0
port recv
start send "$DUET" send --home "$(home_of alice)" --accept-new -p 0 -c "127.0.0.1:$PORT" "out/../out/~" "$T/out/-rf"
expect send 0
expect recv 0
[ "$(find in2 -type f -printf x | wc -c)" -eq 2 ] || fail "not exactly two files: $(ls in2)"

# Texts and an offer, to a peer in plain mode and to one on a screen.
attack() { # attack WHO
    say "$1" "red ${esc}[31mtext${esc}[0m ${bel}bell"
    say "$1" "${rlo}backwards ${c1}2J ${zws}"
    say "$1" $'\xff\xfe\xed\xa0\x80 invalid'
    say "$1" "/me ${esc}[2J"
    say "$1" "/send $T/out/title${esc}]0;owned${bel}"
    say "$1" 'the end'
}
connect_pair alice bob
attack alice
wait_for "$T/bob.out" '<alice> the end'
wait_for "$T/bob.out" '^\* offer'
harmless_lines "$T/bob.out"
harmless "$T/bob.err"
[ "$(grep -c '^<alice>' "$T/bob.out")" -ge 4 ] || fail "texts are missing"
say bob /quit
expect bob 0
say alice /quit
finish alice

if ! command -v tmux >/dev/null; then
    echo "skipped: the screen needs tmux"
    exit 77
fi
tmux new-session -d -s duet -x 100 -y 30 "exec '$DUET' --name bob --home '$(home_of bob)' -4 -p 0 --no-color"
screen() { tmux capture-pane -p -t duet; }
_shows() { grep -q -E -e "$1" <<<"$(screen)"; }
within "$WAIT_S" _shows 'listening on .*:[0-9]' || fail "no screen"
PORT=$(screen | sed -n 's/.*listening on .*:\([0-9][0-9]*\) *$/\1/p' | head -n 1)
# From here on every byte that goes to the terminal is kept; what curses itself writes is taken out below.
tmux pipe-pane -t duet "cat >'$T/raw'"
talk alice -p 0 "127.0.0.1:$PORT"
wait_for "$T/alice.out" '^\* connected to bob '
attack alice
within "$WAIT_S" _shows 'the end' || fail "the screen does not show the text"
within "$WAIT_S" _shows '/accept' || fail "the screen does not show the offer"
screen >"$T/shown"
harmless "$T/shown"
for bad in "${esc}[31m" "${esc}[2J" "${esc}]" "$bel" "$c1" "$rlo" "$zws"; do
    if grep -a -q -F -e "$bad" "$T/raw"; then fail "the terminal was sent $(printf '%q' "$bad")"; fi
done
[ "$(tmux display -p -t duet '#{pane_title}')" != owned ] || fail "the title of the window was changed"
