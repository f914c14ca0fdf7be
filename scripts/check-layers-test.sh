#!/usr/bin/env bash
# Proves that check-layers.sh can fail: plants one violation at a time in a clean little tree and expects its line.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
tree=$(mktemp -d)
trap 'rm -rf "$tree"' EXIT
failed=0

clean_tree() {
    rm -rf "${tree:?}"/*
    for layer in base wire crypto stream recovery conn app io api ui client chat cli; do
        mkdir -p "$tree/src/$layer"
        printf '#include <stdint.h>\n' >"$tree/src/$layer/x.h"
        printf '#include <stdint.h>\n' >"$tree/src/$layer/private.h"
        printf '#include "%s/x.h"\n' "$layer" >"$tree/src/$layer/x.c"
    done
    printf '# a comment\n\nconn  x\n' >"$tree/src/doors"
    # Everything here is allowed and looks like something that is not.
    cat >"$tree/src/app/fine.c" <<'C'
#include "conn/x.h" /* leftwards */
#include <stdio.h>       // for snprintf
#include <sys/types.h>
// #include "ui/x.h"
/*
#include <unistd.h>
   fopen("x", "r") and clock_gettime(CLOCK_MONOTONIC, &t) in prose
*/
int log_printf(const char *format, ...) __attribute__((format(printf, 1, 2)));
const char *say = "call fopen() or time(NULL) /* not a comment";
int f(char *b) { return snprintf(b, 1, "\"printf(") + conn_time(NULL); }
C
    # uses.c uses given.c, and names what given.c could take for its own: a tag, a field, a static of the same name, a
    # declaration, text.
    cat >"$tree/src/app/uses.c" <<'C'
int uses_given(struct given *g)
{
    return given(g->uses_tag) + given_table[0].uses_field;
}

void uses_tag(void)
{
}

int uses_field;

int uses_static(void)
{
    return 1;
}
C
    cat >"$tree/src/app/given.c" <<'C'
int uses_given(struct given *g);
static int uses_static(void);

/* As uses_given() has it. */
const struct uses_tag given_table[] = {{.uses_field = 1, .name = "uses_given"}};

int given(int a)
{
    return a + uses_static();
}

static int uses_static(void)
{
    return 2;
}
C
    printf '#include <time.h>\nint now(void) { return clock_gettime(0, 0); }\n' >"$tree/src/io/clock.c"
    printf '#include <unistd.h>\n#include <pthread.h>\nvoid f(void) { printf("x"); }\n' >"$tree/src/io/y.c"
}

# expect FILE CODE WANTED: with CODE appended to FILE the check must fail and name that line.
expect() {
    local file=$1 code=$2 wanted=$3 out line
    clean_tree
    printf '%b\n' "$code" >>"$tree/$file"
    line=$(wc -l <"$tree/$file")
    if out=$("$here/check-layers.sh" "$tree"); then
        echo "check-layers: not found in $file: $code" >&2
        failed=1
    elif ! grep -q "^$file:$line: .*$wanted" <<<"$out"; then
        echo "check-layers: $code in $file reported as: $out" >&2
        failed=1
    fi
}

clean_tree
if ! out=$("$here/check-layers.sh" "$tree"); then
    echo "check-layers: a clean tree was refused: $out" >&2
    failed=1
fi

expect src/base/x.c '#include "wire/x.h"' 'base may not include wire'
expect src/conn/x.h '#include "app/x.h"' 'conn may not include app'
expect src/stream/x.c '#include "recovery/x.h"' 'stream may not include recovery'
expect src/recovery/x.c '#  include <stream/x.h>' 'recovery may not include stream'
expect src/io/x.c '#include "cli/x.h"' 'io may not include cli'
expect src/client/x.h '#include "chat/x.h"' 'client may not include chat'
expect src/ui/x.c '#include "conn/x.h"' 'ui may not include conn'
expect src/client/x.c '#include "conn/x.h"' 'client may not include conn'
expect src/cli/x.c '#include "api/x.h"' 'cli may not include api'
expect src/io/x.c '#include "api/x.h"' 'io may not include api'
expect src/io/x.c '#include "../ui/x.h"' 'relative path'
expect src/app/x.c '#include "conn/private.h"' 'no door of conn'
expect src/doors 'base x' 'no room above includes base/x.h'
expect src/doors 'core x' 'no such room'
expect src/io/x.c '#include "core/x.h"' 'no such room'
expect src/wire/x.c '#include <sys/socket.h>' 'below io'
expect src/conn/x.c '#include <netinet/in.h>' 'below io'
expect src/app/x.c '/* why */ #include <x.h>\n#include <pthread.h>' 'below io'
expect src/app/x.c '#include <time.h>' 'below io'
expect src/crypto/x.c '#include <unistd.h>' 'below io'
expect src/base/x.h '#include <ncursesw/curses.h>' 'below io'
expect src/app/x.c 'void f(void) { fopen("/* x", "r"); }' 'no files'
expect src/conn/x.c '/* a\n b */ int g(void) { return printf ("x"); }' 'no files'
expect src/conn/x.c 'void g(FILE *f);' 'no files'
expect src/conn/x.c 'void g(void) { h(stderr); }' 'no files'
expect src/crypto/x.c 'void g(void) { randombytes_buf(p, 4); }' 'randomness'
expect src/base/x.c 'long g(void) { return time(NULL); }' 'clock'
expect src/ui/x.c 'int g(void) { return clock_gettime(0, 0); }' 'clock'

# Nobody needs an include to call upwards.
for up in 'base/x.c app' 'stream/x.c recovery'; do
    clean_tree
    printf 'int %s_up(void)\n{\n    return 1;\n}\n' "${up#* }" >>"$tree/src/${up#* }/x.c"
    printf 'int %s_up(void);\nint down(void)\n{\n    return %s_up();\n}\n' "${up#* }" "${up#* }" >>"$tree/src/${up% *}"
    out=$("$here/check-layers.sh" "$tree") && out=none
    if ! grep -q "^src/${up% *}:[0-9]*: .* may not use ${up#* }_up of ${up#* }\$" <<<"$out"; then
        echo "check-layers: a call from ${up% *} to ${up#* } reported as: $out" >&2
        failed=1
    fi
done

# circle KIND NAME: the tree as it is now must be refused for a circle.
circle() {
    out=$("$here/check-layers.sh" "$tree") && out=none
    if ! grep -q "^[a-z/]*/[xyz]\.[ch]:[0-9]*: circle of $1: " <<<"$out"; then
        echo "check-layers: $2 was not found: $out" >&2
        failed=1
    fi
}

clean_tree
printf '#include "base/y.h"\n' >>"$tree/src/base/x.h"
printf '#include "base/z.h"\n' >"$tree/src/base/y.h"
printf '#include "base/x.h"\n' >"$tree/src/base/z.h"
circle includes 'a circle of three headers'

clean_tree
printf '#include "y.h"\n' >>"$tree/src/base/x.c"
printf '#include "z.h"\n' >"$tree/src/base/y.h"
printf '#include "y.h"\n' >"$tree/src/base/z.h"
circle includes 'a circle of two private headers'

# calls FILE NAME USED: FILE defines NAME, which uses USED as written.
calls() {
    printf 'int %s(void)\n{\n    return %s;\n}\n' "$2" "$3" >>"$tree/src/$1"
}

clean_tree
calls conn/x.c x_first 'y_first()'
calls conn/y.c y_first 'x_second()'
calls conn/x.c x_second 1
circle calls 'a circle of two files'

clean_tree
calls io/x.c x_do 'z_do()'
calls io/y.c y_do 'x_do()'
calls io/z.c z_do 'run(y_do)'
circle calls 'a circle of three files, by the address of a function'

clean_tree
calls crypto/x.c x_helps 1
printf 'static const struct ops *const all[] = {\n    &y_ops,\n};\n' >>"$tree/src/crypto/x.c"
printf 'const struct ops y_ops = {\n    .helps = x_helps,\n};\n' >"$tree/src/crypto/y.c"
circle calls 'a circle by way of a table'
exit $failed
