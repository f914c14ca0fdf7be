#!/usr/bin/env bash
# scripts/check-door.sh BUILD: what libduet shows to the world.
#
# Each header compiles alone, as C11 and as C++17, without a feature macro and with every warning.  The archive and the
# shared library define no global name but duet_…, all of those that the headers declare and no other, and the library
# needs neither readline nor ncurses.
#
# Prints what is wrong, and exits 1.
set -euo pipefail
cd "$(dirname "$0")/.."
build=${1:-build}
failed=0

complain() {
    echo "check-door: $*" >&2
    failed=1
}

warnings=(-Wall -Wextra -Wpedantic -Wshadow -Wconversion -Werror -fsyntax-only -Iinclude)
for header in include/duet/*.h; do
    name=${header#include/}
    for way in 'gcc -x c -std=c11 -Wstrict-prototypes' 'g++ -x c++ -std=c++17' 'clang -x c -std=c11' \
        'clang++ -x c++ -std=c++17'; do
        read -ra command <<<"$way"
        command -v "${command[0]}" >/dev/null || continue
        printf '#include <%s>\n#include <%s>\nint main(void) { return 0; }\n' "$name" "$name" |
            "${command[@]}" "${warnings[@]}" - || complain "$header does not compile alone: $way"
    done
done

# Of a file of nm: the names that are defined and global, without versions.
defined() {
    awk '$2 ~ /^[TDBRVWC]$/ { sub(/@.*/, "", $3); print $3 }' | LC_ALL=C sort -u
}

# What the headers declare.
declared=$(cat include/duet/*.h | gcc -E -P -Iinclude -x c - | grep -oE '\bduet_[a-z0-9_]+ *\(' | tr -d ' (' |
    LC_ALL=C sort -u)
archive=$(nm -g "$build/libduet.a" 2>/dev/null | defined)
shared=$(nm -D --defined-only "$build/libduet.so.0" | defined | grep -v '^DUET_')
[ "$archive" = "$declared" ] || complain "libduet.a and the headers differ (< declared, > defined):" \
    $'\n'"$(diff <(echo "$declared") <(echo "$archive"))"
[ "$shared" = "$declared" ] || complain "libduet.so.0 and the headers differ (< declared, > defined):" \
    $'\n'"$(diff <(echo "$declared") <(echo "$shared"))"

needed=$(readelf -d "$build/libduet.so.0" | grep NEEDED)
! grep -E 'readline|curses|tinfo' <<<"$needed" || complain 'libduet.so.0 needs a terminal library'
soname=$(readelf -d "$build/libduet.so.0" | grep SONAME)
grep -q '\[libduet\.so\.0\]' <<<"$soname" || complain "libduet.so.0 calls itself $soname"
exit $failed
