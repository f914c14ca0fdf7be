#!/usr/bin/env bash
# scripts/check-layers.sh [ROOT]: hold the tower of rooms, from the sources alone: nothing has to be built.
#
# A file includes only its own room and what stands left of it (siblings, joined by +, do not know each other; ui, which
# has widgets and knows no duet, includes base alone; the rooms of the program see of the library what is in
# include/duet, and base), and of another room only its doors: the headers that src/doors
# lists.  No circle of includes, and none of calls: of two files at most one uses what the other defines, directly or
# through others.  Below io: no socket, thread, clock, terminal or file header, no stdio file call, no randomness that
# was not handed in.  One clock: only src/io/clock.c reads it.
#
# What a file defines is what stands in column 0 and is not static, as clang-format leaves it; it is used by whoever
# names it, as a call, in a table or by its address.
#
# Prints FILE:LINE: what is wrong, and exits 1.
set -euo pipefail
cd "${1:-$(dirname "$0")/..}"

library_rooms='base wire crypto stream+recovery conn app io api'
program_rooms='ui client chat cli'

mapfile -t files < <(find src -name '*.[ch]' 2>/dev/null | LC_ALL=C sort)
[ ${#files[@]} -gt 0 ] || exit 0
if [ ! -f src/doors ]; then
    echo "src/doors:1: missing: which headers may other rooms include?"
    exit 1
fi

LC_ALL=C awk -v rooms="$library_rooms $program_rooms" -v program_rooms="$program_rooms" '
BEGIN {
    floors = split(rooms, floor, " ")
    for (i = 1; i <= floors; i++) {
        n = split(floor[i], sibling, "+")
        for (j = 1; j <= n; j++)
            rank[sibling[j]] = i
    }
    n = split(program_rooms, floor, " ")
    for (i = 1; i <= n; i++)
        of_program[floor[i]] = 1

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

# `kind` is of includes or of calls: two graphs over the same files.  `why` is what the circle is told with.
function depends(kind, from, to, where, why)
{
    from = kind " " from
    to = kind " " to
    if ((from, to) in at)
        return
    edges[from] = edges[from] "|" to
    at[from, to] = where
    reason[from, to] = why
}

# What stands in column 0 of a source file: `opened` is a function whose body or semicolon is still to come.
function note_definition(text,    name)
{
    if (opened != "" && text ~ /^\{/) {
        if (opened_is_static)
            is_own[FILENAME, opened] = 1
        else
            defined_in[opened] = FILENAME
        opened = ""
        return
    }
    if (text ~ /;[ \t]*$/)
        opened = ""
    if (text !~ /^[a-z]/ || text ~ /^(extern|typedef)[ \t]/)
        return
    opened_is_static = text ~ /^static[ \t]/
    name = text
    if (text ~ /^[^=(]*\(/ && text !~ /;[ \t]*$/) {
        sub(/[ \t]*\(.*/, "", name)
        sub(/.*[^A-Za-z0-9_]/, "", name)
        opened = name
    } else if (text ~ /^[^(=]*[A-Za-z0-9_\]][ \t]*=/ && !opened_is_static) {
        sub(/[ \t]*(\[[^=]*)?=.*/, "", name)
        sub(/.*[^A-Za-z0-9_]/, "", name)
        defined_in[name] = FILENAME
    }
}

# Every name but fields and tags, and but what is only declared.
function note_names(text,    name)
{
    if (text ~ /^[a-z][^={]*;[ \t]*$/)
        return
    gsub(/(\.|->)[ \t]*[A-Za-z_][A-Za-z0-9_]*/, " ", text)
    gsub(/(^|[^A-Za-z0-9_])(struct|enum|union)[ \t]+[A-Za-z_][A-Za-z0-9_]*/, " ", text)
    while (match(text, /[A-Za-z_][A-Za-z0-9_]*/)) {
        name = substr(text, RSTART, RLENGTH)
        text = substr(text, RSTART + RLENGTH)
        if ((FILENAME, name) in named_at)
            continue
        named_at[FILENAME, name] = FILENAME ":" FNR
        users[name] = users[name] " " FILENAME
    }
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
    is_source = FILENAME ~ /\.c$/
    opened = ""
}

# Nothing below can match: most lines of a header cost one test.
!is_source && !in_comment && !/[\/"\047(<]/ && !/FILE|std(in|out|err)/ { next }

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
        else if (to != layer && (rank[to] >= rank[layer] || (layer == "ui" && to != "base") ||
                                 (layer in of_program && !(to in of_program) && to != "base")))
            complain(layer " may not include " to " (" target ")")
        else if (to != layer && !(target in is_door))
            complain(target " is no door of " to " (src/doors)")
        else if (to != layer)
            used[target] = 1
        depends("includes", FILENAME, "src/" target, FILENAME ":" FNR, "")
    } else if (quoted) {
        dir = FILENAME
        sub(/[^\/]*$/, "", dir)
        depends("includes", FILENAME, dir target, FILENAME ":" FNR, "")
    } else if (below_io) {
        top = target
        sub(/\/.*/, "/", top)
        if ((target in forbidden) || (top in forbidden))
            complain("below io no <" target ">")
    }
    next
}

is_source {
    note_definition(text)
    note_names(text)
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

# The files from `first` on the path to its end, and back to it, each with what it uses of the next.
function circle_text(first, last,    text, i)
{
    for (i = on_path[first]; i < depth; i++)
        text = text bare(path[i]) reason[path[i], path[i + 1]] " → "
    return text bare(path[depth]) reason[last, first] " → " bare(first)
}

function bare(key)
{
    sub(/^[a-z]* /, "", key)
    return key
}

# Depth first: grey is on the path, so an edge to grey closes a circle.
function visit(from,    n, to, i, kind)
{
    colour[from] = "grey"
    path[++depth] = from
    on_path[from] = depth
    n = split(edges[from], to, "|")
    for (i = 2; i <= n; i++) {
        if (colour[to[i]] == "grey") {
            kind = from
            sub(/ .*/, "", kind)
            print at[from, to[i]] ": circle of " kind ": " circle_text(to[i], from)
            bad = 1
        } else if (colour[to[i]] == "")
            visit(to[i])
    }
    colour[from] = "black"
    depth--
}

function room_of(file,    part)
{
    split(file, part, "/")
    return part[2]
}

# `user` names what `definer` has.
function note_use(user, name, definer,    from, to)
{
    from = room_of(user)
    to = room_of(definer)
    if (user == definer || (user, name) in is_own)
        return
    if (from != to && rank[to] >= rank[from]) {
        print named_at[user, name] ": " from " may not use " name " of " to
        bad = 1
    }
    depends("calls", user, definer, named_at[user, name], " (" name ")")
}

END {
    FILENAME = "src/doors"
    for (target in is_door)
        if (!(target in used)) {
            FNR = is_door[target]
            complain("no room above includes " target)
        }
    for (name in defined_in) {
        n = split(users[name], user, " ")
        for (i = 1; i <= n; i++)
            note_use(user[i], name, defined_in[name])
    }
    for (from in edges)
        if (colour[from] == "")
            visit(from)
    exit bad
}
' src/doors "${files[@]}"
