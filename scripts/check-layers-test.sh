#!/usr/bin/env bash
# Proves that check-layers.sh can fail: plants one violation at a time in a clean little tree and expects its line.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
tree=$(mktemp -d)
trap 'rm -rf "$tree"' EXIT
failed=0

clean_tree() {
    rm -rf "${tree:?}"/*
    for layer in base wire crypto stream recovery conn app io ui client chat cli; do
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

# circle NAME: the tree as it is now must be refused for a circle.
circle() {
    out=$("$here/check-layers.sh" "$tree") && out=none
    if ! grep -q '^[a-z/]*/[xyz]\.[ch]:[0-9]: circle of includes' <<<"$out"; then
        echo "check-layers: $1 was not found: $out" >&2
        failed=1
    fi
}

clean_tree
printf '#include "base/y.h"\n' >>"$tree/src/base/x.h"
printf '#include "base/z.h"\n' >"$tree/src/base/y.h"
printf '#include "base/x.h"\n' >"$tree/src/base/z.h"
circle 'a circle of three headers'

clean_tree
printf '#include "y.h"\n' >>"$tree/src/base/x.c"
printf '#include "z.h"\n' >"$tree/src/base/y.h"
printf '#include "y.h"\n' >"$tree/src/base/z.h"
circle 'a circle of two private headers'
exit $failed
