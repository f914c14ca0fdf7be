# Who is let in: new keys only when allowed, changed ones never, --peer nobody else; each refusal is told on both sides.
# Only the key of a host that was called ends a program: whoever waits is not sent home by strangers.
# timeout: 180
set -euo pipefail
. "$ROOT/test/e2e/lib.sh"

if ! knows_localhost; then
    echo "skipped: this machine does not know localhost (/etc/hosts), which a peer is dialled by here"
    exit 77
fi

trust=4 refused=5
fingerprint() { "$DUET" id --home "$(home_of "$1")" | sed 's/.* //'; }
echo content >file
mkdir in
# No file may cross before both agree.
untouched() { [ -z "$(ls -A in)" ] || fail "something arrived: $(ls -A in)"; }

# One who waits goes on waiting, and is ended here.
waits_on() { # waits_on NAME
    kill -0 "${PID[$1]}" 2>/dev/null || fail "a stranger ended $1"
    kill -TERM "${PID[$1]}"
    expect "$1" 130
}
serve() { # serve OPTION...: bob receives
    start recv "$DUET" recv --name bob --home "$(home_of bob)" -y -o in -4 -p 0 "$@"
    port recv
}
offer() { # offer OPTION...: alice sends
    start send "$DUET" send --name alice --home "$(home_of alice)" -p 0 -c "127.0.0.1:$PORT" "$@" file
}
clear_known() { rm -f "$(home_of alice)/known_peers" "$(home_of bob)/known_peers"; }

# Nobody is trusted unless somebody says so; the line has the key and what to do.
serve
offer --accept-new
expect send "$refused"
wait_for "$T/recv.err" "alice .*not known.*$(fingerprint alice)"
wait_for "$T/recv.err" '--peer .*--accept-new'
wait_for "$T/send.err" 'does not trust your key.*--accept-new'
waits_on recv
untouched
clear_known
serve --accept-new
offer
expect send "$trust"
wait_for "$T/send.err" "bob .*not known.*$(fingerprint bob)"
wait_for "$T/recv.err" 'does not trust your key'
waits_on recv
untouched
clear_known

# --peer: this key, and no other.
serve --peer "$(fingerprint carol)"
offer --accept-new
expect send "$refused"
wait_for "$T/recv.err" "$(fingerprint alice).*--peer"
waits_on recv
untouched
clear_known
serve --peer "$(fingerprint alice)"
offer --peer "$(fingerprint bob | tr "[:lower:]" "[:upper:]" | tr -d -)"
expect send 0
expect recv 0
same file in/file
rm in/file

# A stranger that is refused ends nothing: not the waiting of recv or send, whatever the options, nor what is under way.
for options in '' "--peer $(fingerprint carol)"; do
    # shellcheck disable=SC2086
    serve $options
    # shellcheck disable=SC2086
    start waiting "$DUET" send --name bob --home "$(home_of bob)" -4 -p 0 $options file
    port waiting
    for port in $PORT "$(port recv && echo "$PORT")"; do
        start eve "$DUET" ask --name eve --home "$(home_of eve)" --accept-new -p 0 -c "127.0.0.1:$port" ping
        expect eve "$refused"
    done
    wait_for "$T/recv.err" 'eve .*refused'
    wait_for "$T/waiting.err" 'eve .*refused'
    waits_on recv
    waits_on waiting
done

# Nor does one that was let in and then turns out not to trust us: the next one gets the file.
start waiting "$DUET" send --name bob --home "$(home_of bob)" --accept-new -4 -p 0 file
port waiting
start dora "$DUET" ask --name dora --home "$(home_of dora)" -p 0 -c "127.0.0.1:$PORT" ping
expect dora "$trust"
wait_for "$T/waiting.err" '^duet: dora does not trust your key'
start recv "$DUET" recv --name alice --home "$(home_of alice)" -y -o in -p 0 -c "127.0.0.1:$PORT"
expect recv 0
expect waiting 0
same file in/file
rm in/file

head -c 3000000 /dev/zero >large
serve
start send "$DUET" send --name alice --home "$(home_of alice)" -p 0 -c "127.0.0.1:$PORT" --limit 1MB large
wait_for "$T/recv.err" 'connected to alice'
start eve "$DUET" ask --name eve --home "$(home_of eve)" --accept-new -p 0 -c "127.0.0.1:$PORT" ping
expect eve "$refused"
wait_for "$T/recv.err" 'eve .*not known'
expect send 0
expect recv 0
same large in/large
rm large in/large

# Known from now on: neither option is needed.
serve
offer
expect send 0
expect recv 0
rm in/file

# A changed key is refused even with --accept-new, on either side; the message names both keys and the line to remove.
old=$(fingerprint alice)
rm "$(home_of alice)/key"
new=$(fingerprint alice)
[ "$old" != "$new" ] || fail "the key did not change"
serve --accept-new
offer --accept-new
expect send "$refused"
wait_for "$T/recv.err" 'KEY OF alice.*HAS CHANGED'
wait_for "$T/recv.err" "$old"
wait_for "$T/recv.err" "$new"
wait_for "$T/recv.err" "remove line [0-9]+ of $(home_of bob)/known_peers"
waits_on recv
untouched
line=$(sed -n 's/.*remove line \([0-9]*\) of .*/\1/p' "$T/recv.err")
sed -i "${line}d" "$(home_of bob)/known_peers"
serve --accept-new
offer
expect send 0
expect recv 0
rm in/file
rm "$(home_of bob)/key"
serve --accept-new
offer --accept-new
expect send "$trust"
wait_for "$T/send.err" 'HAS CHANGED'
waits_on recv
untouched

# Plain mode goes on after it refused somebody, and a known peer still gets in.
clear_known
talk bob -4 -p 0 --peer "$(fingerprint alice)"
port bob
talk mallory --accept-new -p 0 "127.0.0.1:$PORT"
expect mallory "$refused"
wait_for "$T/bob.out" '^! mallory was refused'
wait_for "$T/mallory.out" '^! bob does not trust your key'
talk alice --accept-new -p 0 "127.0.0.1:$PORT"
wait_for "$T/bob.out" '^\* connected to alice '
say alice 'it is me'
hang_up alice
expect alice 0
wait_for "$T/bob.out" '^<alice> it is me$'
say bob /quit
expect bob 0
if grep -q mallory "$(home_of bob)/known_peers"; then fail "a refused key was remembered"; fi

# What others may write to is no authority about whom to trust, nor whose key one has; the line says what to do.
for what in "$(home_of bob)/known_peers" "$(home_of bob)"; do
    chmod g+w "$what"
    start recv "$DUET" recv --name bob --home "$(home_of bob)" -y -o in -4 -p 0
    if [ -d "$what" ]; then
        expect recv 1
    else
        port recv
        offer
        expect send "$refused"
        wait_for "$T/send.err" 'turned you away: it cannot read its list of known peers'
        kill -TERM "${PID[recv]}"
        finish recv
    fi
    wait_for "$T/recv.err" "$what.*chmod go-w"
    chmod g-w "$what"
done
untouched

# Every name and address a key had stays its own: by name, then by address, then another key at the first.
clear_known
serve --accept-new
start send "$DUET" send --name alice --home "$(home_of alice)" --accept-new -p 0 -c "localhost:$PORT" -4 file
expect send 0
expect recv 0
rm in/file
bobs_port=$PORT
start recv "$DUET" recv --name bob --home "$(home_of bob)" --accept-new -y -o in -4 -p "$bobs_port"
port recv
offer
expect send 0
expect recv 0
rm in/file
start recv "$DUET" recv --name mallory --home "$(home_of mallory)" --accept-new -y -o in -4 -p "$bobs_port"
port recv
start send "$DUET" send --name alice --home "$(home_of alice)" --accept-new -p 0 -c "localhost:$PORT" -4 file
expect send "$trust"
wait_for "$T/send.err" 'localhost:.*HAS CHANGED.*known as bob'
waits_on recv
untouched

# Two programs of one home: of two keys that call themselves the same, one is let in.
serve -k --accept-new
first_port=$PORT
start other "$DUET" recv -k --accept-new -y --name bob --home "$(home_of bob)" -o in -4 -p 0
port other
for who in one two; do
    start "$who" "$DUET" ask --name twin --home "$(home_of "$who")" --accept-new -p 0 -c "127.0.0.1:$PORT" ping
    PORT=$first_port
done
for who in one two; do
    finish "$who"
    echo "$STATUS" >>ends
done
[ "$(grep -c '	twin	' "$(home_of bob)/known_peers")" = 1 ] || fail "two keys are called twin"
_one_refused() { grep -q 'KEY OF twin HAS CHANGED' "$T/recv.err" "$T/other.err"; }
within "$WAIT_S" _one_refused || fail "nobody was refused"
waits_on recv
waits_on other

# Offers need a yes: without -y and a terminal they are refused.
start recv "$DUET" recv --name bob --home "$(home_of bob)" -o in -4 -p 0
port recv
offer
expect send "$refused"
wait_for "$T/recv.err" 'file was refused: without -y'
wait_for "$T/send.err" '^duet: sending file to bob: .*not wanted'
expect recv "$refused"
[ "$(grep -c '^duet: ' "$T/recv.err")" = 1 ] || fail "the refusal was not told once"
untouched

# A terminal is asked: about the key, then about the file; what was typed before a question is no answer to it.
serve_on_terminal() { # serve_on_terminal OPTION...
    on_terminal recv "exec '$DUET' recv --name bob --home '$(home_of bob)' -o in -4 -p 0 $*"
    port recv
}
if command -v script >/dev/null; then
    clear_known
    serve_on_terminal
    offer --accept-new
    wait_for "$T/recv.out" 'trust this key\?'
    grep -q "$(fingerprint alice)" "$T/recv.out" || fail "asked without showing the key"
    say recv $'y\ny'
    wait_for "$T/recv.out" 'alice offers file.*Take it\?'
    untouched
    say recv n
    expect send "$refused"
    expect recv "$refused"
    untouched
    hang_up recv

    serve_on_terminal
    offer
    wait_for "$T/recv.out" 'alice offers file.*Take it\?'
    untouched
    say recv y
    expect send 0
    expect recv 0
    same file in/file
    hang_up recv

    # A question holds up nobody but who it is about.
    rm in/file
    serve_on_terminal -y
    start dave "$DUET" ask --name dave --home "$(home_of dave)" --accept-new -p 0 -c "127.0.0.1:$PORT" ping
    wait_for "$T/recv.out" 'new peer dave .*'
    wait_for "$T/recv.out" 'trust this key\?'
    offer
    expect send 0
    expect recv 0
    same file in/file
    finish dave
    hang_up recv

    # A key is judged again when the answer comes: two of one name, both new when they came.
    serve_on_terminal -y
    call() { # call NAME
        start "$1" "$DUET" ask --name twin --home "$(home_of "$1")" --accept-new -p 0 -c "127.0.0.1:$PORT" ping
    }
    call first
    wait_for "$T/recv.out" 'trust this key\?'
    call second
    wait_count "$T/recv.out" 'trust this key\?' 2
    say recv y
    expect first 0
    wait_count "$T/recv.out" 'trust this key\?' 3
    say recv y
    wait_for "$T/recv.out" 'KEY OF twin.*HAS CHANGED'
    expect second "$refused"
    hang_up recv
    kill -TERM "$(pgrep -P "${PID[recv]}" -x duet)"
    finish recv
fi
