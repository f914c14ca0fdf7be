# shellcheck shell=bash disable=SC2034,SC2086 # numbers and lists, split on purpose
# One big file, tmpfs to tmpfs, on this machine: duet, the floor program, scp, QUIC.

# floor_run HOST_FROM HOST_TO ADDRESS FILE [--mtu]: FLOOR_S, FLOOR_CPU_S
floor_run() {
    local from=$1 to=$2 address=$3 file=$4 port receiver
    shift 4
    port=$(free_port)
    rm -f "$W/floor-in"
    spawn "$to" "$TIMED" "$W/floor-in.t" "$FLOOR" "$@" recv "$address" "$port" "$W/floor-in" >"$W/floor.log" 2>&1
    receiver=$LAST_PID
    await "$W/floor.log" '^ready' "$receiver" || return 1
    on "$from" "$TIMED" "$W/floor-out.t" "$FLOOR" "$@" send "$address" "$port" "$file" || { stop "$receiver"; return 1; }
    reap "$receiver" || return 1
    rm -f "$W/floor-in"
    FLOOR_S=$(took "$W/floor-out.t" wall)
    FLOOR_CPU_S=$(calc "$(took "$W/floor-out.t" cpu) + $(took "$W/floor-in.t" cpu)")
}

ssh_set_up() {
    command -v sshd >/dev/null && command -v scp >/dev/null || return 1
    SSH=$W/ssh
    [ ! -d "$SSH" ] || return 0
    mkdir -m 700 "$SSH"
    ssh-keygen -q -t ed25519 -N '' -f "$SSH/host" && ssh-keygen -q -t ed25519 -N '' -f "$SSH/user" || return 1
    cp "$SSH/user.pub" "$SSH/authorized"
    # Privilege separation wants this folder; it is taken away again.
    if [ "$(id -u)" = 0 ] && [ ! -d /run/sshd ]; then mkdir -m 755 /run/sshd && MADE_RUN_SSHD=1; fi
    SSH_PORT=$(free_port)
    cat >"$SSH/config" <<END
ListenAddress 127.0.0.1
Port $SSH_PORT
HostKey $SSH/host
PidFile none
AuthorizedKeysFile $SSH/authorized
StrictModes no
UsePAM no
PermitRootLogin prohibit-password
PasswordAuthentication no
KbdInteractiveAuthentication no
Subsystem sftp internal-sftp
END
    SSH_OPTIONS=(-F none -i "$SSH/user" -o IdentitiesOnly=yes -o IdentityAgent=none -o StrictHostKeyChecking=no
        -o UserKnownHostsFile="$SSH/known" -o LogLevel=ERROR)
}

sshd_start() { # LAST_PID; what its sessions used is in $W/sshd.t once it was stopped
    spawn lo "$TIMED" "$W/sshd.t" "$(command -v sshd)" -D -e -f "$SSH/config" >"$SSH/log" 2>&1 </dev/null
    await "$SSH/log" 'Server listening' "$LAST_PID"
}

scp_run() { # scp_run FILE [OPTION...]: SCP_S, SCP_CPU_S, SCP_RSS
    local file=$1 server
    shift
    sshd_start || return 1
    server=$LAST_PID
    "$TIMED" "$W/scp.t" scp -q -P "$SSH_PORT" "${SSH_OPTIONS[@]}" "$@" "$file" "127.0.0.1:$W/scp-in" </dev/null || {
        stop "$server"
        return 1
    }
    sleep 0.2 # the session process is its listener's child, and must have been waited for to count
    stop "$server"
    rm -f "$W/scp-in"
    SCP_S=$(took "$W/scp.t" wall)
    SCP_CPU_S=$(calc "$(took "$W/scp.t" cpu) + $(took "$W/sshd.t" cpu)")
    SCP_RSS=$(printf '%s\n' "$(took "$W/scp.t" rss)" "$(took "$W/sshd.t" rss)" | sort -n | tail -n 1)
}

# ---- a file of 1 GB between two hosts, duet and one other program taking turns

# What their_… sets: seconds, seconds of CPU, KiB at most (floor: not asked).
their_floor() { # their_floor ADDRESS [--mtu]
    local address=$1
    shift
    floor_run "$SEND_HOST" "$RECV_HOST" "$address" "$FILE" "$@" && THEIR_S=$FLOOR_S THEIR_CPU_S=$FLOOR_CPU_S THEIR_RSS=0
}

their_scp() { # their_scp [OPTION...]
    scp_run "$FILE" "$@" && THEIR_S=$SCP_S THEIR_CPU_S=$SCP_CPU_S THEIR_RSS=$SCP_RSS
}

their_quic() { # their_quic ADDRESS INDEX
    quic_run "$2" "$SEND_HOST" "$RECV_HOST" "$1" "$FILE" 120 || return 1
    [ $QUIC_DONE = yes ] || { note "${QUIC_NAMES[$2]}: not done in 120 s"; return 1; }
    THEIR_S=$QUIC_S THEIR_CPU_S=$QUIC_CPU_S THEIR_RSS=$QUIC_RSS
}

# by_turns SECTION ADDRESS ANCHOR RUN [ARGUMENT...]: records what duet and the anchor need for FILE.  A pair of programs at
# a time: what uses up more memory than they do would leave its costs with them (warm_memory).  The first round is not
# counted: programs are read and keys made for the first time.
by_turns() {
    local section=$1 address=$2 anchor=$3 QUIC_KEPT=yes gb i ours cpu rss theirs their_cpu their_rss
    shift 3
    gb=$(calc "$(stat -c %s "$FILE") / 1e9")
    for ((i = 0; i <= REPEAT; i++)); do
        [ $i -gt 1 ] || { ours='' cpu='' rss='' theirs='' their_cpu='' their_rss=''; }
        quietly warmed "$@" && theirs+=" $(calc "$gb * 8 / $THEIR_S")" their_cpu+=" $(calc "$THEIR_CPU_S / $gb")" \
            their_rss+=" $(calc "$THEIR_RSS / 1024")"
        quietly warmed transfer "$SEND_HOST" "$RECV_HOST" "$address" "$FILE" 120 && [ "$XFER_DONE" = yes ] &&
            ours+=" $(calc "$gb * 8 / $XFER_S")" cpu+=" $(calc "$XFER_CPU_S / $gb")" rss+=" $(calc "$XFER_RSS / 1024")"
    done
    [ "$1" != their_quic ] || [ "$QUIC_KEPT" = yes ] || anchor+=", no file"
    record "$section" "file of $(calc "$gb * 1000") MB" Gbit/s "$ours" "$anchor" "$theirs"
    record "$section" "CPU, both ends" s/GB "$cpu" "$anchor" "$their_cpu"
    [ "$1" = their_floor ] || record "$section" "peak memory of one end" MiB "$rss" "$anchor" "$their_rss"
}

warmed() {
    warm_memory "$FILE"
    "$@"
}

big_file() { # big_file: FILE
    local bytes=1000000000
    [ "$QUICK" = false ] || bytes=250000000
    FILE=$(data $bytes)
}

bench_loopback() {
    local FILE SEND_HOST=lo RECV_HOST=lo i
    big_file
    by_turns loopback 127.0.0.1 floor their_floor 127.0.0.1
    if ssh_set_up; then
        by_turns loopback 127.0.0.1 scp their_scp
        by_turns loopback 127.0.0.1 "scp aes128-gcm" their_scp -c aes128-gcm@openssh.com
    fi
    for i in "${!QUIC_NAMES[@]}"; do by_turns loopback 127.0.0.1 "${QUIC_NAMES[i]}" their_quic 127.0.0.1 "$i"; done
}

# veth_up MTU: the two hosts of test/net/lib.sh, joined by nothing but a pair of devices
veth_up() {
    local ns
    net_down
    for ns in "$NET_A" "$NET_B"; do
        echo "$ns" >>"$W/.netns"
        ip netns add "$ns" && ip -n "$ns" link set lo up || return 1
    done
    ip -n "$NET_A" link add "$NET_DEV" mtu "$1" type veth peer name "$NET_DEV" netns "$NET_B" || return 1
    for ns in "$NET_A $NET_A_IP" "$NET_B $NET_B_IP"; do
        ip -n "${ns% *}" addr add "${ns#* }/24" dev "$NET_DEV" && ip -n "${ns% *}" link set "$NET_DEV" mtu "$1" up || return 1
    done
}

bench_veth() {
    local FILE SEND_HOST=a RECV_HOST=b i
    need_link veth || return 0
    veth_up 1500 || return 1
    big_file
    by_turns veth "$NET_B_IP" "floor --mtu" their_floor "$NET_B_IP" --mtu
    for i in "${!QUIC_NAMES[@]}"; do by_turns veth "$NET_B_IP" "${QUIC_NAMES[i]}" their_quic "$NET_A_IP" "$i"; done
    net_down
}
