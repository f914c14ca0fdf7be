#!/usr/bin/env bash
# Proves that check-dialect.sh can fail: plants one line at a time in a clean file and expects it to be named.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
tree=$(mktemp -d)
trap 'rm -rf "$tree"' EXIT
failed=0
file=src/conn/x.c

clean_tree() {
    mkdir -p "$tree"/src/{crypto,stream,recovery,conn}
    cat >"$tree/$file" <<'C'
/* ---- part ---- */

/* An error code is called err here, and sizeof x is spoken of in prose, of ärger und öfter größerer Länge. */
static int begin_part(struct x *v)
{
    const int err = x_begin(v, sizeof(*v), v->rc, "rc, and sizeof v");

    return err; /* beside code a comment may go on to the end of the line, which is 120 columns and no more of them */
}
C
}

# expect CODE WANTED
expect() {
    local out line
    clean_tree
    printf '%b\n' "$1" >>"$tree/$file"
    line=$(wc -l <"$tree/$file")
    if out=$("$here/check-dialect.sh" "$tree"); then
        echo "check-dialect: not found: $1" >&2
        failed=1
    elif ! grep -q "^$file:$line: .*$2" <<<"$out"; then
        echo "check-dialect: $1 reported as: $out" >&2
        failed=1
    fi
}

clean_tree
if ! out=$("$here/check-dialect.sh" "$tree"); then
    echo "check-dialect: a clean tree was refused: $out" >&2
    failed=1
fi

long=$(printf 'x%.0s' {1..130})
expect "int $long;" '135 columns'
expect "/* ${long:0:100} */" '106 columns'
expect "/* a\n * ${long:0:100}" '103 columns'
expect '    n = sizeof x;' 'sizeof(x)'
expect '    n = sizeof *x;' 'sizeof(x)'
expect '    n = sizeof (x);' 'sizeof(x)'
expect '    int rc = f();' 'called err'
expect '/* ── part ── */' '---- part ----'
expect '/* ------ part */' '---- part ----'
expect 'static void finish(struct x *v)' 'a name of its own'
expect 'static const struct x *run(void)' 'a name of its own'
exit $failed
