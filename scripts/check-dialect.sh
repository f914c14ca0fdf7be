#!/usr/bin/env bash
# scripts/check-dialect.sh [ROOT]: what CONTRIBUTING's "Style" says and clang-format cannot hold.
#
#   lines       120 columns at most, and comments that stand alone 100; counted in characters
#   sizeof      sizeof(x), not sizeof x
#   rulers      /* ---- part ---- */
#   err         is what an error code is called, not rc
#   statics     have names of their own: a backtrace through two run() tells nothing
#
# Prints FILE:LINE: what is wrong, and exits 1.
set -euo pipefail
cd "${1:-$(dirname "$0")/..}"

rooms='crypto stream recovery conn' # the others are still to be gone through

mapfile -t files < <(for room in $rooms; do find "src/$room" -name '*.[ch]'; done | LC_ALL=C sort)
[ ${#files[@]} -gt 0 ] || exit 0

LC_ALL=C awk '
function complain(what)
{
    print FILENAME ":" FNR ": " what
    bad = 1
}

# Bytes that do not continue a character of UTF-8.
function columns(line)
{
    gsub(/[\200-\277]/, "", line)
    return length(line)
}

BEGIN {
    n = split("add answer begin check done drop end enter event fail fill find finish fit follow grow handle judge keep " \
              "load message move note part pass pick push put record repeat reset run send step stop take tell", name, " ")
    for (i = 1; i <= n; i++)
        is_vague[name[i]] = 1
}

FNR == 1 { in_comment = "" }

{
    width = columns($0)
    stands_alone = in_comment == "alone" || (in_comment == "" && /^[ \t]*\/\*/)
    is_comment = in_comment != "" || stands_alone
    if (/\/\*/ && !/\*\//)
        in_comment = stands_alone ? "alone" : "beside code"
    else if (/\*\//)
        in_comment = ""
    # A drawing is as wide as it is.
    if (width > 120 || (stands_alone && width > 100 && !/  [^ ].*  |[│─┌└▶◀]/))
        complain(width " columns")
    if (is_comment)
        text = ""
    else {
        text = $0
        gsub(/"(\\.|[^"\\])*"/, "\"\"", text)
        gsub(/\/\*.*/, "", text)
    }
    if (text ~ /(^|[^A-Za-z0-9_])sizeof[ \t]*[^( \t]/ || text ~ /(^|[^A-Za-z0-9_])sizeof[ \t]+\(/)
        complain("sizeof(x)")
    if (text ~ /(^|[^A-Za-z0-9_.>])rc([^A-Za-z0-9_]|$)/)
        complain("an error code is called err")
    if (/^\/\* *(──|==|\*\*|-----|---[^-])/)
        complain("/* ---- part ---- */")
    if (text ~ /^static[ \t].*\(/) {
        sub(/[ \t]*\(.*/, "", text)
        sub(/.*[^A-Za-z0-9_]/, "", text)
        if (text in is_vague)
            complain(text "(): a static function has a name of its own")
    }
}

END { exit bad }
' "${files[@]}"
