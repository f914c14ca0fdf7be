# The demo shows what it promises, with and without a terminal, and leaves nothing behind.
# timeout: 300
set -euo pipefail
. "$ROOT/test/e2e/lib.sh"

start demo "$ROOT/scripts/demo"
expect demo 0 60
wait_for "$T/demo.out" 'alice \| <bob> hello alice'
wait_for "$T/demo.out" 'bob +\| <alice> yes'
wait_for "$T/demo.out" 'photos.tar +[0-9]+% \|█.* MB/s eta'
wait_for "$T/demo.out" 'bob left'
[ "$(grep 'photos.tar$' "$T/demo.out" | grep -o -E '^ *[0-9a-f]{64} ' | sort -u | wc -l)" = 1 ] || fail "checksums differ"
[ "$(grep -c -E '^ *[0-9a-f]{64} .*photos.tar$' "$T/demo.out")" = 2 ] || fail "not two checksums"
[ -z "$(find "$T" -maxdepth 1 -name 'duet-demo.*')" ] || fail "a directory is left"

# It can fail: a binary that does nothing is no demo.
status=0
DUET=/bin/true DEMO_WAIT_S=1 timeout 600 "$ROOT/scripts/demo" >"$T/broken.out" 2>"$T/broken.err" || status=$?
[ "$status" -ne 0 ] || fail "the demo of nothing succeeded"
