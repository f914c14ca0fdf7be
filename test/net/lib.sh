# shellcheck shell=bash
# test/net/lib.sh: two hosts and a bad cable, for scenarios to source.
#
#   [ netns $NET_A ]                                   [ netns $NET_B ]
#   duet0 10.77.0.1/24  ─── linkemu (test/net) ───  10.77.0.2/24 duet0
#         fd77::1/64                                fd77::2/64
#
#   . "$ROOT/test/net/lib.sh"
#   net_need_root                               # ends the scenario with 77 where namespaces cannot be made
#   net_up [--mtu N] [--seed N] 'rate 20M' 'delay 25ms' 'loss ab 5'        # knobs: test/net/control.h
#   net_a COMMAND...                            # run inside, wait for it (net_b alike)
#   net_spawn_a COMMAND... >log; pid=$NET_PID   # run inside, in the background; $NET_PID is COMMAND's own pid
#   net_ctl 'hole both on'                      # turn a knob now
#   net_stat ab dropped_loss                    # one counter
#   net_down                                    # also at exit; the final counters are in $NET_DIR/stats.json
#
# net_up sets a trap on EXIT; a scenario with its own calls net_down from it.  Call net_up from the scenario itself, not
# from a subshell: the emulator ends with its parent.  Never `net_a ... &`: $! would be a shell, not the command.

NET_DEV=duet0
NET_A_IP=10.77.0.1 NET_B_IP=10.77.0.2
NET_A_IP6=fd77::1 NET_B_IP6=fd77::2
NET_A=duet-a-$$ NET_B=duet-b-$$
NET_EMU_PID=
NET_DIR=${T:-}
NET_PIDS=()
LINKEMU=${LINKEMU:-${BUILD:-$ROOT/build}/test/linkemu}

net_need_root() {
    local probe=duet-probe-$$
    if [ "$(id -u)" != 0 ] || ! ip netns add "$probe" 2>/dev/null; then
        echo "skipped: needs root"
        exit 77
    fi
    ip netns delete "$probe"
    # Containers often have the device's right but not its node.
    if [ ! -e /dev/net/tun ]; then
        mkdir -p /dev/net && mknod -m 600 /dev/net/tun c 10 200
    fi
    if ! (: <>/dev/net/tun) 2>/dev/null; then
        echo "skipped: needs root with /dev/net/tun"
        exit 77
    fi
}

net_up() {
    local mtu=1500 options=()
    while [ $# -gt 0 ]; do
        case $1 in
        --mtu) mtu=$2 && shift 2 ;;
        --seed) options+=(--seed "$2") && shift 2 ;;
        *) break ;;
        esac
    done
    [ -n "$NET_DIR" ] || NET_DIR=$(mktemp -d)
    trap net_down EXIT
    local ns
    for ns in "$NET_A" "$NET_B"; do
        # Noted before it exists, so that test/e2e/run can sweep up after a scenario that was killed.
        [ -z "${T:-}" ] || echo "$ns" >>"$T/.netns"
        ip netns add "$ns"
        _net_ip "$ns" link set lo up
    done
    NET_CONTROL=$NET_DIR/linkemu.sock
    "$LINKEMU" --ns-a "$NET_A" --ns-b "$NET_B" --dev "$NET_DEV" --control "$NET_CONTROL" "${options[@]}" "$@" \
        >"$NET_DIR/stats.json" &
    NET_EMU_PID=$!
    local tries=2500
    until [ -S "$NET_CONTROL" ]; do
        if ! kill -0 "$NET_EMU_PID" 2>/dev/null || [ $((tries -= 1)) -eq 0 ]; then
            echo "net_up: linkemu did not start" >&2
            return 1
        fi
        sleep 0.02
    done
    net_ctl ready >/dev/null || return 1
    _net_host "$NET_A" "$NET_A_IP" "$NET_A_IP6" "$mtu" && _net_host "$NET_B" "$NET_B_IP" "$NET_B_IP6" "$mtu"
}

# No link-local address: it would only bring router solicitations.  A long device queue, so that packets are lost
# where the emulator counts them and not before it.
_net_host() {
    local ns=$1 ip4=$2 ip6=$3 mtu=$4
    _net_ip "$ns" link set "$NET_DEV" mtu "$mtu" txqueuelen 10000 addrgenmode none &&
        _net_ip "$ns" link set "$NET_DEV" up &&
        _net_ip "$ns" addr add "$ip4/24" dev "$NET_DEV" &&
        _net_ip "$ns" -6 addr add "$ip6/64" dev "$NET_DEV" nodad
}

# nsenter becomes the command, so its pid is the command's; `ip netns exec` and `ip -n` would also want to mount things,
# which not every container allows, nor a root that is no mount point.
_net_ip() { nsenter --net="/run/netns/$1" ip "${@:2}"; }
net_a() { nsenter --net="/run/netns/$NET_A" "$@"; }
net_b() { nsenter --net="/run/netns/$NET_B" "$@"; }

net_spawn_a() {
    nsenter --net="/run/netns/$NET_A" "$@" &
    NET_PID=$! && NET_PIDS+=("$NET_PID")
}
net_spawn_b() {
    nsenter --net="/run/netns/$NET_B" "$@" &
    NET_PID=$! && NET_PIDS+=("$NET_PID")
}

net_ctl() { "$LINKEMU" --ctl "$NET_CONTROL" "$1"; }

net_stat() { # net_stat ab|ba COUNTER
    net_ctl stats | sed "s/.*\"$1\":{\([^}]*\)}.*/\1/" | tr ',' '\n' | sed -n "s/^\"$2\"://p"
}

# Safe under set -e and safe to call twice.
net_down() {
    local pid ns
    for pid in "${NET_PIDS[@]}" $NET_EMU_PID; do
        kill -TERM "$pid" 2>/dev/null || true
    done
    # The emulator writes its counters on the way out; programs that did not listen are ended with their namespace.
    [ -z "$NET_EMU_PID" ] || wait "$NET_EMU_PID" || echo "net_down: linkemu failed" >&2
    for ns in "$NET_A" "$NET_B"; do
        [ -e "/run/netns/$ns" ] || continue
        ip netns pids "$ns" | xargs -r kill -KILL 2>/dev/null || true
        ip netns delete "$ns" || true
    done
    for pid in "${NET_PIDS[@]}"; do
        wait "$pid" 2>/dev/null || true
    done
    NET_PIDS=() NET_EMU_PID=
    [ -n "${T:-}" ] || [ -z "$NET_DIR" ] || rm -rf "$NET_DIR"
}
