# shellcheck shell=bash disable=SC2034
# One big file, tmpfs to tmpfs, on this machine: duet, the floor program, scp, QUIC.

# floor_run HOST_FROM HOST_TO ADDRESS FILE [--mtu]: FLOOR_S, FLOOR_CPU_S
floor_run() {
    local from=$1 to=$2 address=$3 file=$4 port receiver
    shift 4
    port=$(free_port)
    rm -f "$W/floor-in"
    warm_memory "$file"
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
    warm_memory "$file"
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

# loopback_round FILE GB: each program once, so that what the machine is like at the moment meets all alike; the figures go to
# the caller's lists
loopback_round() {
    quietly floor_run lo lo 127.0.0.1 "$1" && floor+=" $(calc "$2 * 8 / $FLOOR_S")" floor_cpu+=" $(calc "$FLOOR_CPU_S / $2")"
    warm_memory "$1"
    quietly transfer lo lo 127.0.0.1 "$1" 120 && [ $XFER_DONE = yes ] &&
        ours+=" $(calc "$2 * 8 / $XFER_S")" cpu+=" $(calc "$XFER_CPU_S / $2")" rss+=" $(calc "$XFER_RSS / 1024")"
    quic_round lo lo 127.0.0.1 "$1" "$2"
    [ "$have_ssh" ] || return 0
    quietly scp_run "$1" && scp+=" $(calc "$2 * 8 / $SCP_S")"
    quietly scp_run "$1" -c aes128-gcm@openssh.com && gcm+=" $(calc "$2 * 8 / $SCP_S")" &&
        gcm_cpu+=" $(calc "$SCP_CPU_S / $2")" gcm_rss+=" $(calc "$SCP_RSS / 1024")"
}

bench_loopback() {
    local bytes=1000000000 file gb i have_ssh='' name
    [ "$QUICK" = false ] || bytes=250000000
    local ours floor scp gcm cpu floor_cpu gcm_cpu rss gcm_rss quic quic_cpu quic_rss quic_kept=()
    file=$(data $bytes)
    gb=$(calc "$bytes / 1e9")
    name="file of $(calc "$bytes / 1e6") MB"
    ! ssh_set_up || have_ssh=1
    # The first round is not counted: programs are read and keys made for the first time.
    for ((i = 0; i <= REPEAT; i++)); do
        [ $i -gt 1 ] || { ours='' floor='' cpu='' floor_cpu='' rss='' quic=() quic_cpu=() quic_rss=(); }
        [ $i -gt 1 ] || { scp='' gcm='' gcm_cpu='' gcm_rss=''; }
        loopback_round "$file" "$gb"
    done
    record loopback "$name" Gbit/s "$ours" floor "$floor"
    record loopback "$name" Gbit/s "$ours" scp "$scp"
    record loopback "$name" Gbit/s "$ours" "scp aes128-gcm" "$gcm"
    record loopback "CPU, both ends" s/GB "$cpu" floor "$floor_cpu"
    record loopback "CPU, both ends" s/GB "$cpu" "scp aes128-gcm" "$gcm_cpu"
    record loopback "peak memory of one end" MiB "$rss" "scp aes128-gcm" "$gcm_rss"
    quic_record loopback "$name" "$ours" "$cpu" "$rss"
}

bench_veth() {
    local bytes=1000000000 file gb i
    [ "$QUICK" = false ] || bytes=250000000
    local ours floor cpu floor_cpu rss name quic quic_cpu quic_rss quic_kept=()
    need_link veth || return 0
    net_down
    local ns
    for ns in "$NET_A" "$NET_B"; do
        echo "$ns" >>"$W/.netns"
        ip netns add "$ns" && ip -n "$ns" link set lo up || return 1
    done
    ip -n "$NET_A" link add "$NET_DEV" mtu 1500 type veth peer name "$NET_DEV" netns "$NET_B" || return 1
    for ns in "$NET_A $NET_A_IP" "$NET_B $NET_B_IP"; do
        ip -n "${ns% *}" addr add "${ns#* }/24" dev "$NET_DEV" && ip -n "${ns% *}" link set "$NET_DEV" mtu 1500 up || return 1
    done
    file=$(data $bytes)
    gb=$(calc "$bytes / 1e9")
    name="file of $(calc "$bytes / 1e6") MB, MTU 1500"
    for ((i = 0; i <= REPEAT; i++)); do # as on loopback
        [ $i -gt 1 ] || { ours='' floor='' cpu='' floor_cpu='' rss='' quic=() quic_cpu=() quic_rss=(); }
        quietly floor_run a b "$NET_B_IP" "$file" --mtu &&
            floor+=" $(calc "$gb * 8 / $FLOOR_S")" floor_cpu+=" $(calc "$FLOOR_CPU_S / $gb")"
        warm_memory "$file"
        quietly transfer a b "$NET_B_IP" "$file" 120 && [ "$XFER_DONE" = yes ] &&
            ours+=" $(calc "$gb * 8 / $XFER_S")" cpu+=" $(calc "$XFER_CPU_S / $gb")" rss+=" $(calc "$XFER_RSS / 1024")"
        quic_round a b "$NET_A_IP" "$file" "$gb"
    done
    net_down
    record veth "$name" Gbit/s "$ours" "floor --mtu" "$floor"
    record veth "CPU, both ends, MTU 1500" s/GB "$cpu" "floor --mtu" "$floor_cpu"
    quic_record veth "$name" "$ours" "$cpu" "$rss"
}
