# shellcheck shell=bash disable=SC2086 # numbers and lists, split on purpose
# Many peers at one endpoint: what each costs, and how fast they come in.  Single modules alone.

cpu_ticks() { awk '{ sub(/.*\) /, ""); print $12 + $13 }' "/proc/$1/stat"; }

known_lines() { [ "$(wc -l <"$1")" -ge "$2" ]; }

# crowd_at PID PORT COUNT SECONDS [KNOWN]: PEER_KIB and CROWD_CPU (per cent of a core) of the server PID with COUNT idle
# callers, HELD of them still there at the end, SHAKES a second while they came in.  With a file KNOWN the program is
# waited for until it has written them all into it.
crowd_at() {
    local pid=$1 port=$2 count=$3 seconds=$4 known=${5:-} caller before ticks began line i
    before=$(rss_kib "$pid")
    spawn lo "$CROWD" call "$port" "$count" $((seconds + 10)) >"$W/crowd.log" 2>&1
    caller=$LAST_PID
    await "$W/crowd.log" '^connected' "$caller" 60 || { stop "$caller"; return 1; }
    for ((i = 0; i < 100 && ${#known} > 0; i++)); do
        ! known_lines "$known" "$count" || break
        sleep 0.1
    done
    sleep 2
    ticks=$(cpu_ticks "$pid") began=$EPOCHREALTIME
    sleep "$seconds"
    CROWD_CPU=$(calc "100 * ($(cpu_ticks "$pid") - $ticks) / $(getconf CLK_TCK) / ($EPOCHREALTIME - $began)")
    PEER_KIB=$(($(rss_kib "$pid") - before))
    reap "$caller" 20 || true
    line=$(sed -n 's/^connected \([0-9]*\) in \([0-9]*\) us$/\1 \2/p' "$W/crowd.log")
    HELD=$(sed -n 's/^held //p' "$W/crowd.log")
    [ "${HELD:-0}" -gt 0 ] || return 1
    PEER_KIB=$(calc "$PEER_KIB / $HELD")
    SHAKES=$(calc "${line% *} * 1e6 / ${line#* }")
}

# X25519 alone: both ends together do eight scalar multiplications (two keys, ee, es, se at each end).
x25519_bound() {
    openssl speed -seconds 1 ecdhx25519 2>/dev/null | awk '/X25519/ { printf "%.0f", $NF / 8 }'
}

bench_crowd() {
    local count=1000 seconds=20 i port server kib='' cpu='' shakes='' held='' program_kib='' program_cpu='' program_held=
    [ $QUICK = false ] || seconds=8
    for ((i = 0; i < REPEAT; i++)); do
        port=$(free_port)
        spawn lo "$CROWD" serve "$port" >"$W/serve.log" 2>&1
        server=$LAST_PID
        await "$W/serve.log" ready "$server" && crowd_at "$server" "$port" $count $seconds &&
            kib+=" $PEER_KIB" cpu+=" $CROWD_CPU" shakes+=" $SHAKES" held=$HELD
        stop "$server"
        recv_start lo "$W/in" -k || continue
        # timed's only child is the program.
        server=$(cat "/proc/$RECV_PID/task/$RECV_PID/children")
        crowd_at "${server% }" "$RECV_PORT" $count $seconds "$W/in.home/known_peers" && program_kib+=" $PEER_KIB" program_cpu+=" $CROWD_CPU" program_held=$HELD
        stop "$RECV_PID"
        rm -rf "$W/in" "$W/in.home"
    done
    record crowd "memory of an idle peer, $count" KiB "$kib" "bound" 32 "\"held\":${held:-0}"
    record crowd "CPU of one core, $count idle peers" % "$cpu" "bound" 2 "\"held\":${held:-0}"
    record crowd "duet recv -k, ${program_held:-0} held: a peer" KiB "$program_kib" "bound" 32 "\"held\":${program_held:-0}"
    record crowd "duet recv -k, ${program_held:-0} held: CPU" % "$program_cpu" "bound" 2 "\"held\":${program_held:-0}"
    record crowd "handshakes, both ends here" 1/s "$shakes" "8 X25519 on one core" "$(x25519_bound)"
}

# libcrypto is always there.
bench_aead() {
    local log=$W/aead.log bytes ours
    "$BUILD/test/aead" >"$log" 2>&1 || { note "aead: $(tail -n 1 "$log")"; return 1; }
    figure() { # figure PROVIDER BYTES
        sed -n "s/.*\"provider\":\"$1\",\"suite\":\"AES-128-GCM\",\"op\":\"seal\",\"bytes\":$2,.*\"gb_per_s\":\([0-9.]*\).*/\1/p" "$log"
    }
    for bytes in 64 1400 8192 60000; do
        ours=$(sed -n "s/.*\"provider\":\"\([a-z-]*\)\",\"suite\":\"AES-128-GCM\",\"op\":\"seal\",\"bytes\":$bytes,.*\"usual\":true.*/\1/p" "$log")
        record aead "AES-128-GCM, $bytes B, $ours" GB/s "$(figure "$ours" $bytes)" libcrypto "$(figure libcrypto $bytes)"
    done
}

bench_frames() {
    local log=$W/frames.log kind
    "$BUILD/test/frames" >"$log" 2>&1 || { note "frames: $(tail -n 1 "$log")"; return 1; }
    figure() { # figure KIND
        sed -n "s/.*\"kind\":\"$1\",\"us\":\([0-9.]*\).*/\1/p" "$log"
    }
    for kind in ping {reset,file}_{descending,scattered} {chat,file}_in_order chat_{descending,rising}; do
        record frames "a packet of $kind" us "$(figure $kind)" padding "$(figure padding)"
    done
}

# Each window against the smallest one of the same run: flat is 1.
bench_acks() {
    local log=$W/acks.log what loss window
    "$BUILD/test/acks" >"$log" 2>&1 || { note "acks: $(tail -n 1 "$log")"; return 1; }
    figure() { # figure WINDOW LOSS WHAT
        sed -n "s/.*\"window\":$1,\"loss_percent\":$2,.*\"$3\":\([0-9.]*\).*/\1/p" "$log"
    }
    for loss in 0 1 5 20; do
        for window in 1000 10000 100000; do
            for what in send ack receive; do
                record acks "$what, $window in flight, loss $loss %" ns "$(figure $window $loss ${what}_ns)" \
                    "1000 in flight" "$(figure 1000 $loss ${what}_ns)" "\"steps\":$(figure $window $loss ${what}_steps)"
            done
        done
    done
}
