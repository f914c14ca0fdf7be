#!/usr/bin/env bash
# scripts/check-layers.sh [ROOT]: hold the tower
#
#   base ← wire ← crypto ← stream, recovery ← conn ← app ← io ← ui ← client ← chat ← cli
#
# A file includes only its own room and what stands left of it (stream and recovery are siblings and do not know each
# other; ui, which has widgets and knows no duet, includes base alone), and of another room only its doors: the headers
# that src/doors lists.  No circle of files.  Below io: no socket, thread, clock, terminal or file header, no stdio file
# call, no randomness that was not handed in.  One clock: only src/io/clock.c reads it.
#
# Prints FILE:LINE: what is wrong, and exits 1.
set -euo pipefail
cd "${1:-$(dirname "$0")/..}"

mapfile -t files < <(find src -name '*.[ch]' 2>/dev/null | LC_ALL=C sort)
[ ${#files[@]} -gt 0 ] || exit 0
if [ ! -f src/doors ]; then
    echo "src/doors:1: missing: which headers may other rooms include?"
    exit 1
fi

LC_ALL=C awk '
BEGIN {
    n = split("base wire crypto stream recovery conn app io ui client chat cli", name, " ")
    split("1 2 3 4 4 5 6 7 8 9 10 11", height, " ")
    for (i = 1; i <= n; i++)
        rank[name[i]] = height[i]

    # System headers that nothing below io may include; a trailing slash stands for everything under it.
    n = split("sys/socket.h sys/un.h sys/uio.h netinet/ arpa/ net/ netdb.h ifaddrs.h linux/ " \
              "pthread.h threads.h semaphore.h time.h sys/time.h sys/times.h sys/timerfd.h sys/eventfd.h " \
              "curses.h ncurses.h ncursesw/ ncurses/ term.h termios.h readline/ " \
              "fcntl.h unistd.h sys/stat.h sys/mman.h sys/random.h sys/ioctl.h dirent.h signal.h " \
              "poll.h sys/poll.h sys/epoll.h sys/select.h", banned, " ")
    for (i = 1; i <= n; i++)
        forbidden[banned[i]] = 1

    io_call = "(fopen|fdopen|freopen|printf|fprintf|dprintf|vprintf|vfprintf|puts|putchar|fputs|fputc|putc|" \
              "fwrite|fread|fgets|getline|scanf|fscanf|perror|fflush|fclose|getenv)"
    random_call = "(rand|srand|random|srandom|rand_r|arc4random|getrandom|randombytes|randombytes_buf|" \
                  "randombytes_random|randombytes_uniform)"
    clock_call = "(clock_gettime|gettimeofday|timespec_get|ftime|clock)"
}

function complain(what)
{
    print FILENAME ":" FNR ": " what
    bad = 1
}

# The line without comments; strings and characters become empty ones unless it is an include.
function code_of(line,    out, c, two, i, len)
{
    out = ""
    len = length(line)
    for (i = 1; i <= len; i++) {
        two = substr(line, i, 2)
        if (in_comment) {
            if (two == "*/") { in_comment = 0; i++ }
            continue
        }
        if (two == "/*") { in_comment = 1; i++; out = out " "; continue }
        if (two == "//")
            break
        c = substr(line, i, 1)
        if ((c == "\"" || c == "\047") && !is_include) {
            out = out c
            for (i++; i <= len && substr(line, i, 1) != c; i++)
                if (substr(line, i, 1) == "\\")
                    i++
        }
        out = out c
    }
    return out
}

function calls(text, pattern)
{
    return text ~ ("(^|[^A-Za-z0-9_])" pattern "[ \t]*\\(")
}

function depends(from, to)
{
    if ((from, to) in at)
        return
    edges[from] = edges[from] " " to
    at[from, to] = FILENAME ":" FNR
}

FILENAME == "src/doors" {
    if (/^[a-z]/ && !($1 in rank))
        complain("no such room: " $1)
    for (i = 2; /^[a-z]/ && i <= NF; i++)
        is_door[$1 "/" $i ".h"] = FNR
    next
}

FNR == 1 {
    in_comment = 0
    parts = split(FILENAME, part, "/")
    layer = part[2]
    if (parts < 3 || !(layer in rank))
        complain("not in a room")
    below_io = rank[layer] < rank["io"]
}

# Nothing below can match: most lines cost one test.
!in_comment && !/[\/"\047(<]/ && !/FILE|std(in|out|err)/ { next }

{
    is_include = !in_comment && /^[ \t]*#[ \t]*include/
    text = code_of($0)
}

is_include {
    target = text
    quoted = target ~ /"/
    sub(/^[^"<]*["<]/, "", target)
    sub(/[">].*$/, "", target)
    if (target ~ /(^|\/)\.\.?\//)
        complain("include by relative path: " target)
    else if (split(target, part, "/") > 1 && (quoted || part[1] in rank)) {
        to = part[1]
        if (!(to in rank))
            complain("no such room: " target)
        else if (to != layer && (rank[to] >= rank[layer] || (layer == "ui" && to != "base")))
            complain(layer " may not include " to " (" target ")")
        else if (to != layer && !(target in is_door))
            complain(target " is no door of " to " (src/doors)")
        else if (to != layer)
            used[target] = 1
        depends(FILENAME, "src/" target)
    } else if (quoted) {
        dir = FILENAME
        sub(/[^\/]*$/, "", dir)
        depends(FILENAME, dir target)
    } else if (below_io) {
        top = target
        sub(/\/.*/, "/", top)
        if ((target in forbidden) || (top in forbidden))
            complain("below io no <" target ">")
    }
    next
}

{
    if (FILENAME != "src/io/clock.c" && (calls(text, clock_call) || text ~ /(^|[^A-Za-z0-9_])time[ \t]*\((NULL|0|&)/))
        complain("only src/io/clock.c reads the clock")
    if (!below_io)
        next
    if (calls(text, io_call) || text ~ /(^|[^A-Za-z0-9_])(FILE[ \t]*\*|(stdin|stdout|stderr)([^A-Za-z0-9_]|$))/)
        complain("below io no files, terminal or environment")
    if (calls(text, random_call))
        complain("below io randomness is handed in")
}

# Depth first over the includes: grey is on the path, so an edge to grey closes a circle.
function visit(from,    n, to, i)
{
    colour[from] = "grey"
    if (!(from in edges))
        return colour[from] = "black"
    n = split(edges[from], to, " ")
    for (i = 1; i <= n; i++) {
        if (colour[to[i]] == "grey") {
            print at[from, to[i]] ": circle of includes: " from " and " to[i] " need each other"
            bad = 1
        } else if (colour[to[i]] == "")
            visit(to[i])
    }
    colour[from] = "black"
}

END {
    FILENAME = "src/doors"
    for (target in is_door)
        if (!(target in used)) {
            FNR = is_door[target]
            complain("no room above includes " target)
        }
    for (from in edges)
        if (colour[from] == "")
            visit(from)
    exit bad
}
' src/doors "${files[@]}"
