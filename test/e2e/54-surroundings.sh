# Terminals and locales that are not as they should be: lines where the cursor cannot be positioned, C.UTF-8 where the
# locale is missing, and a word about either; numbers do not change with the locale.
# timeout: 60
set -euo pipefail
. "$ROOT/test/e2e/lib.sh"
. "$ROOT/test/e2e/screens.sh"

talk bob --accept-new -p 0
port bob
for term in dumb no-such-terminal; do
    open "$term" "TERM=$term '$DUET' --name $term --home '$(home_of "$term")' --accept-new -p 0 127.0.0.1:$PORT"
    shows "$term" 'no screen: .*\(TERM\)'
    shows "$term" '^\* connected to bob'
    type_line "$term" "from a $term terminal"
    wait_for "$T/bob.out" "^<$term> from a $term terminal\$"
    type_line "$term" /quit
    shows "$term" 'ended-with-0'
done

open ada "LC_ALL=xx_YY.UTF-8 '$DUET' --name ada --home '$(home_of ada)' --accept-new -p 0 127.0.0.1:$PORT"
shows ada 'locale xx_YY.UTF-8 is not installed'
shows ada 'connected to bob'
type_line ada 'zażółć'
wait_for "$T/bob.out" '^<ada> zażółć$'
shows ada '<ada> zażółć'
type_line ada /quit
shows ada 'ended-with-0'

# No locale at all.
open eve "env -u LC_ALL -u LC_CTYPE -u LANG '$DUET' --name eve --home '$(home_of eve)' --accept-new -p 0 127.0.0.1:$PORT"
shows eve 'connected to bob'
type_line eve 'zażółć'
wait_for "$T/bob.out" '^<eve> zażółć$'
shows eve '<eve> zażółć'
if _shows eve 'not installed'; then fail "a word about a locale that nobody asked for"; fi
type_line eve /quit
shows eve 'ended-with-0'
say bob /quit
finish bob
