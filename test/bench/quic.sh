# shellcheck shell=bash disable=SC2034
# A QUIC stack beside duet, if the user names one (--quic, doc/BENCHMARKS.md): a server with the file in its folder at
# one host, a client at the other.  Which of the two sends is theirs to know; the clock is the client's, fork to exit.

QUIC_NAMES=() QUIC_SERVERS=() QUIC_CLIENTS=()

# quic_read FILE: lines of `NAME | SERVER COMMAND | CLIENT COMMAND`; false if there is a line that is not so
quic_read() {
    local name server client rest
    [ -r "$1" ] || return 1
    while IFS='|' read -r name server client rest; do
        case $name in '' | '#'*) continue ;; esac
        # Without the blanks at their ends.
        read -r name <<<"$name" && read -r server <<<"$server" && read -r client <<<"$client"
        [ -n "$name" ] && [ -n "$server" ] && [ -n "$client" ] && [ -z "$rest" ] || return 1
        QUIC_NAMES+=("$name") QUIC_SERVERS+=("$server") QUIC_CLIENTS+=("$client")
    done <"$1"
}

# quic_set_up: a certificate; takes away the peers whose programs are not here, and writes down what the others run
quic_set_up() {
    local i words program
    [ ${#QUIC_NAMES[@]} -gt 0 ] || return 0
    openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj /CN=localhost -days 2 \
        -keyout "$W/quic.key" -out "$W/quic.cert" 2>/dev/null || note "no certificate for QUIC: openssl is needed"
    for i in "${!QUIC_NAMES[@]}"; do
        for program in "${QUIC_SERVERS[i]}" "${QUIC_CLIENTS[i]}"; do
            read -ra words <<<"$program"
            [ -s "$W/quic.cert" ] && command -v "${words[0]}" >/dev/null && continue
            note "${QUIC_NAMES[i]}: no ${words[0]} here: not compared"
            unset "QUIC_NAMES[i]"
            continue 2
        done
        printf '{"section":"quic","name":%s,"server":%s,"client":%s}\n' "$(json_text "${QUIC_NAMES[i]}")" \
            "$(json_text "${QUIC_SERVERS[i]}")" "$(json_text "${QUIC_CLIENTS[i]}")" >>"$OUT"
    done
}

# quic_fill TEMPLATE ADDRESS PORT FILE: sets QUIC_COMMAND to its words with the places filled; no shell sees them
quic_fill() {
    local template=$1 address=$2 port=$3 file=$4 i word
    read -ra QUIC_COMMAND <<<"$template"
    for i in "${!QUIC_COMMAND[@]}"; do
        word=${QUIC_COMMAND[i]}
        word=${word//'{address}'/"$address"}
        word=${word//'{port}'/"$port"}
        word=${word//'{in}'/"${file%/*}"}
        word=${word//'{out}'/"$W/quic-in"}
        word=${word//'{file}'/"$file"}
        word=${word//'{name}'/"${file##*/}"}
        word=${word//'{bytes}'/"$(stat -c %s "$file")"}
        word=${word//'{cert}'/"$W/quic.cert"}
        QUIC_COMMAND[i]=${word//'{key}'/"$W/quic.key"}
    done
}

quic_listens() { # quic_listens HOST PORT PID: waits until the port is open
    local left=250
    until on "$1" ss -Huln "sport = :$2" | grep -q .; do
        alive "$3" && [ $((left -= 1)) -gt 0 ] || return 1
        sleep 0.02
    done
}

# quic_arrived FILE: is what lies in $W/quic-in, if anything to speak of does, that file?  QUIC_KEPT no: nothing does,
# the program only counts bytes.  A server that was sent the file may still have its end in a buffer.
quic_arrived() {
    local got tries
    QUIC_KEPT=no
    for ((tries = 0; tries < 20; tries++)); do
        got=$(find "$W/quic-in" -type f -size +1024k -print -quit)
        [ -n "$got" ] || return 0
        QUIC_KEPT=yes
        ! cmp -s "$got" "$1" || return 0
        sleep 0.1
    done
    return 1
}

# quic_run INDEX SERVER_HOST CLIENT_HOST ADDRESS FILE LIMIT_S: as `transfer` does: QUIC_S, QUIC_BYTES, QUIC_DONE yes|no,
# QUIC_CPU_S, QUIC_RSS; QUIC_KEPT no: the program keeps no file
quic_run() {
    local name=${QUIC_NAMES[$1]} index=$1 at=$2 from=$3 address=$4 file=$5 limit=$6 port server client QUIC_COMMAND
    port=$(free_port)
    rm -rf "$W/quic-in" && mkdir "$W/quic-in"
    quic_fill "${QUIC_SERVERS[index]}" "$address" "$port" "$file"
    spawn "$at" env -C "${file%/*}" "$TIMED" "$W/quic-server.t" "${QUIC_COMMAND[@]}" >"$W/quic-server.log" 2>&1 </dev/null
    server=$LAST_PID
    quic_listens "$at" "$port" "$server" ||
        { note "$name: its server does not listen: $(tail -n 1 "$W/quic-server.log")"; stop "$server"; return 1; }
    quic_fill "${QUIC_CLIENTS[index]}" "$address" "$port" "$file"
    spawn "$from" env -C "$W/quic-in" "$TIMED" "$W/quic-client.t" "${QUIC_COMMAND[@]}" >"$W/quic-client.log" 2>&1 </dev/null
    client=$LAST_PID QUIC_DONE=yes
    if ends_in "$client" "$limit"; then
        reap "$client" && quic_arrived "$file" || { note "$name failed: $(tail -n 1 "$W/quic-client.log")"; stop "$server"; return 1; }
        QUIC_BYTES=$(stat -c %s "$file")
    else
        QUIC_DONE=no
        QUIC_BYTES=$(du -s --block-size=1 "$W/quic-in" | cut -f 1)
        QUIC_KEPT=$([ "$QUIC_BYTES" = 0 ] && echo no || echo yes)
        stop "$client"
    fi
    stop "$server"
    rm -rf "$W/quic-in"
    QUIC_S=$(took "$W/quic-client.t" wall)
    QUIC_CPU_S=$(calc "$(took "$W/quic-client.t" cpu) + $(took "$W/quic-server.t" cpu)")
    QUIC_RSS=$(printf '%s\n' "$(took "$W/quic-client.t" rss)" "$(took "$W/quic-server.t" rss)" | sort -n | tail -n 1)
}
