# What cannot work is refused at once: one clear line on stderr, nothing on stdout, and the documented status.
# timeout: 60
set -euo pipefail
. "$ROOT/test/e2e/lib.sh"

export DUET_HOME=$T/home-me
mkdir dir
echo x >file
echo x >unreadable
chmod 000 unreadable

# refused STATUS PATTERN ARGUMENT...: exactly one line, which must match PATTERN, beside what is still being tried.
refused() {
    local wanted=$1 pattern=$2 status=0
    shift 2
    timeout 200 "$DUET" "$@" </dev/null >"$T/try.out" 2>"$T/try.err" || status=$?
    [ "$status" -eq "$wanted" ] || fail "duet $*: status $status, wanted $wanted"
    [ ! -s "$T/try.out" ] || fail "duet $*: wrote to stdout"
    [ "$(grep -v -c '; still trying$' "$T/try.err")" -eq 1 ] || fail "duet $*: not one line"
    grep -q -E -e "^duet: .*$pattern" "$T/try.err" || fail "duet $*: not '$pattern'"
}

usage=2 unconnected=3 file_error=7 system_error=1

# The command line.
refused $usage "'--frobnicate'" --frobnicate
refused $usage "'--acept-new'.*'--accept-new'" --acept-new
refused $usage "'sned'.*'send'" sned file
refused $usage "'caht'.*'chat'" caht
refused $usage "'receive'.*'recv'" receive
refused $usage "'recieve'.*'recv'" recieve
refused $usage "'ehco'.*'echo'" ask -c 127.0.0.1 ehco
refused $usage 'usage: duet ask' ask -c 127.0.0.1
refused $usage 'nothing to send' send
refused $usage 'no arguments.*recv -c host' recv host
refused $usage "one host.*'b'" chat a b
refused $usage 'exclude each other' -4 -6
refused $usage '--port.*needs a value' -p
refused $usage '--connect does not apply' --connect host
refused $usage '--port does not apply' id -p 3
refused $usage "'127.0.0.1:70000'" send -c 127.0.0.1:70000 file
refused $usage "'\[::1'" send -c '[::1' file
refused $usage 'frob' send --cc frob -p 0 file
refused $usage 'not-an-address' send --bind not-an-address file
while read -r option value; do
    refused $usage "--$option '$value'.*expected" recv "--$option=$value"
done <<'END'
port 65536
port -1
port x
mode fast
window 1k
window 1G
max-packet 1199
max-packet 65508
heartbeat 0.1
heartbeat 61
timeout 0
timeout soon
limit 5
limit 5X
END
refused $usage "--name ''.*expected" --name ''
refused $usage '--name .*expected' --name $'a\nb'

# Files.
refused $file_error 'no-such-file: No such file or directory' send no-such-file
refused $file_error "$(printf 'x%.0s' {1..300}).*File name too long" send "$(printf 'x%.0s' {1..300})"
refused $file_error 'dir: directories are not supported' send dir
refused $file_error '/dev/null: not a regular file' send /dev/null
refused $file_error 'no-such-folder: No such file or directory' recv -o no-such-folder
refused $file_error 'file: Not a directory' recv -o file
refused $system_error '/dev/null/x.*Not a directory' id --home /dev/null/x
refused $system_error 'trace.*no-such-folder/t: No such file' recv -p 0 --trace no-such-folder/t
if [ "$(id -u)" != 0 ]; then # root may read everything
    refused $file_error 'unreadable: Permission denied' send unreadable
elif command -v setpriv >/dev/null; then
    chmod 711 .
    mkdir -m 777 nobody
    status=0
    # shellcheck disable=SC2024
    DUET_HOME=$T/nobody/home setpriv --reuid 65534 --regid 65534 --clear-groups "$DUET" send "$T/unreadable" \
        2>"$T/try.err" || status=$?
    # A binary below a private folder cannot be run by another user: then there is nothing to see.
    [ "$status" -eq 126 ] || [ "$status" -eq 127 ] || {
        [ "$status" -eq $file_error ] || fail "unreadable: status $status"
        grep -q 'unreadable: Permission denied' "$T/try.err" || fail "unreadable: not said"
    }
fi
# A secret key others can read is not used.
cp -r "$DUET_HOME" loose
chmod 644 loose/key
refused $system_error 'loose/key' id --home loose

# The network.
refused $unconnected 'nobody-has-this.invalid' send -c nobody-has-this.invalid file
refused $unconnected 'could not connect to 127.0.0.1:1: .*nobody answers' send --timeout 1 -c 127.0.0.1:1 file
refused $unconnected 'could not connect to 127.0.0.1:1: .*nobody answers' ask --timeout 1 -c 127.0.0.1:1 ping
refused $unconnected 'could not connect to 127.0.0.1:1: .*nobody answers' recv --timeout 1 -c 127.0.0.1:1
refused $system_error 'bind to 192.0.2.1' recv -p 0 --bind 192.0.2.1
start holder "$DUET" recv -p 0
port holder
refused $system_error "port $PORT is in use.* -p" recv -p "$PORT"
refused $system_error "port $PORT is in use.* -p" send -p "$PORT" -c 127.0.0.1:1 file
kill -TERM "${PID[holder]}"
expect holder 130

# Output nobody takes is an error, too.
if [ -e /dev/full ]; then
    status=0
    "$DUET" id >/dev/full 2>"$T/try.err" || status=$?
    [ "$status" -eq 1 ] || fail "a full disk looked like success"
    # Nor does it cut files short that come.
    mkdir in
    for i in {1..40}; do head -c 20000 /dev/urandom >"many-$i"; done
    start taker bash -c 'exec "$@" >/dev/full' - "$DUET" recv --home "$(home_of bob)" --accept-new -y -o in -p 0
    port taker
    start giver "$DUET" send --home "$(home_of alice)" --accept-new -p 0 -c "127.0.0.1:$PORT" many-*
    expect giver 0
    expect taker 1
    [ "$(find in -name 'many-*' | wc -l)" = 40 ] || fail "not every file came: $(ls in)"
    grep -q '^duet: in/many-1 was received, but its path cannot be written to standard output: ' "$T/taker.err" || fail "not named"
fi

# What does work needs no network at all.
"$DUET" --help | grep "Exit codes" >/dev/null || fail "--help"
"$DUET" send --help | grep -e '--connect' >/dev/null || fail "send --help"
"$DUET" --version | grep '^duet [0-9]' >/dev/null || fail "--version"
"$DUET" --version -v | grep '^encryption: .* by libcrypto$' >/dev/null || fail "--version -v"
[ "$("$DUET" id)" = "$("$DUET" id)" ] || fail "the key changes"
[ "$(stat -c %a "$DUET_HOME/key")" = 600 ] || fail "the key is not private"
