# Files of awkward sizes and names, several at once, and names that exist already.
# timeout: 60
set -euo pipefail
. "$ROOT/test/e2e/lib.sh"

chunk=262144
mkdir in out

make_file() { head -c "$2" /dev/urandom >"out/$1"; }
make_file empty 0
make_file one-byte 1
for n in -1 0 1; do
    make_file "chunk$n" $((chunk + n))
    make_file "pool$n" $((64 * chunk + n))
done
make_file 'with some  blanks' 5000
make_file 'gęś 日本語 😀 é.txt' 5000
make_file '"quoted" $HOME `id` *?' 100
make_file '.hidden' 100
make_file 'back\slash' 100
make_file "$(printf 'x%.0s' {1..255})" 100

send() { # send STATUS FILE...
    local wanted=$1
    shift
    start recv "$DUET" recv --home "$(home_of bob)" --accept-new -y -o in -p 0
    port recv
    start send "$DUET" send --home "$(home_of alice)" --accept-new -p 0 -c "127.0.0.1:$PORT" -- "$@"
    expect send "$wanted"
    finish recv
}

# All in one go, more than are under way at once, among them many small ones.
for i in {1..60}; do make_file "small-$i" "$i"; done
send 0 out/* out/.hidden
count=0
for file in out/* out/.hidden; do
    name=${file#out/}
    [ "${name#.}" = "$name" ] || name=_$name # a name nobody would see in the folder is made visible
    same "$file" "in/$name"
    count=$((count + 1))
done
[ "$(find in -type f | wc -l)" = "$count" ] || fail "not exactly $count files arrived: $(ls -A in)"
[ "$(wc -l <"$T/recv.out")" = "$count" ] || fail "recv did not name each file"
no_parts in

# An existing file stays as it is; the new one gets a number, before what its name ends with.
echo mine >in/report.txt
echo first >out/report.txt
send 0 out/report.txt
echo second >out/report.txt
send 0 out/report.txt
[ "$(cat in/report.txt)" = mine ] || fail "an existing file was changed"
grep -q '(1)' "$T"/recv.out "$T"/recv.err || grep -q '(2)' "$T/recv.out" || fail "recv does not say the name it chose"
[ "$(cat 'in/report (1).txt' 2>/dev/null || cat 'in/report.txt (1)')" = first ] || fail "no 'report (1)': $(ls in)"
[ "$(cat 'in/report (2).txt' 2>/dev/null || cat 'in/report.txt (2)')" = second ] || fail "no 'report (2)': $(ls in)"

# Two of the same name in one send, from different folders.
mkdir out/a out/b
echo a >out/a/same
echo b >out/b/same
send 0 out/a/same out/b/same
[ "$(sort in/same 'in/same (1)' | tr -d '\n')" = ab ] || fail "two of one name: $(ls in)"

# A symlink under the target name is not followed; a symlink as source is the file it points to.
ln -s "$T/victim" in/link
echo new >out/link
send 0 out/link
[ ! -e "$T/victim" ] || fail "a symlink in the target folder was followed"
ln -s report.txt out/pointer
send 0 out/pointer
[ -f in/pointer ] && [ ! -L in/pointer ] && same out/report.txt in/pointer

# Some cannot be sent: the others arrive, the status says so.
send 8 out/one-byte no-such-file
wait_for "$T/send.err" '^duet: cannot send no-such-file: No such file or directory$'
no_parts in

# A name of which nothing acceptable is left: both sides are told, and neither waits for ever nor calls it success.
make_file ' ' 10
send 5 'out/ '
[ "$STATUS" = 5 ] || fail "recv ended with $STATUS: everything was refused"
grep -q '^duet: .*the name is not acceptable$' "$T/recv.err" || fail "recv does not say what it refused"
grep -q '^duet: .*the name is not acceptable$' "$T/send.err" || fail "send does not say what was refused"
send 8 'out/ ' out/one-byte
[ "$STATUS" = 8 ] || fail "recv ended with $STATUS: one of two was refused"
[ -f 'in/one-byte (2)' ] || fail "the good one did not come: $(ls in)"
