# File systems that know neither hard links nor renames that refuse: exFAT and FAT through FUSE take files all the same,
# never replace one, and refuse a name before the first byte.  Where they cannot be mounted there is nothing to see, and
# nothing is skipped: the unit tests of files and partfile hold the same with system calls that fail as there.
# timeout: 90
set -euo pipefail
. "$ROOT/test/e2e/lib.sh"

if [ "$(id -u)" != 0 ] || ! [ -c /dev/fuse ] || ! unshare -m mount --make-rprivate / 2>/dev/null; then
    echo "not tried: needs root, FUSE and a root directory that is a mount point"
    exit 0
fi

mkdir mnt
head -c 700000 /dev/urandom >report.pdf
cp report.pdf 'what:now?'
: >empty

# Mounts stay in a namespace of recv alone and go with it.
mounted() { # mounted HOW COMMAND...: the command, with mnt mounted
    local how=$1
    shift
    start recv unshare -m bash -c 'mount --make-rprivate / && '"$how"' && echo mine >mnt/report.pdf && "$@"; status=$?
        ls -A mnt >listing; cat "mnt/report (1).pdf" >got; cat mnt/report.pdf >kept; umount -l mnt; exit "$status"' - "$@"
}
check() { # check: after a transfer of report.pdf
    same report.pdf got
    [ "$(cat kept)" = mine ] || fail "an existing file was changed"
    if grep -e '^\.duet-' listing; then fail "something was left behind"; fi
}
recv=("$DUET" recv --home "$(home_of bob)" --accept-new -y -o mnt -p 0)
send=("$DUET" send --home "$(home_of alice)" --accept-new -p 0 -c)
tried=0 exfat='' fat='fusefat -o rw+ image mnt >/dev/null 2>&1'

mounts() { unshare -m bash -c 'mount --make-rprivate / && '"$1"' && umount -l mnt' >/dev/null 2>&1; }
have() {
    local tool
    for tool in "$@"; do command -v "$tool" >/dev/null || return 1; done
}

if have mkfs.exfat mount.exfat-fuse losetup; then
    truncate -s 64M image
    mkfs.exfat image >/dev/null
    # The device goes with its last user, whatever becomes of this scenario.
    exfat='device=$(losetup -f --show image) && mount.exfat-fuse "$device" mnt >/dev/null 2>&1; losetup -d "$device"; mountpoint -q mnt'
fi
if [ -n "$exfat" ] && mounts "$exfat"; then
    mounted "$exfat" "${recv[@]}"
    port recv
    start send "${send[@]}" "127.0.0.1:$PORT" report.pdf empty 'what:now?'
    expect send 8
    expect recv 8
    check
    grep -q "^duet: .*what:now?.* the file system of mnt does not allow this name$" "$T/recv.err" || fail "recv does not say why"
    grep -q "^duet: .*what:now?.* the name is not acceptable$" "$T/send.err" || fail "send does not say why"
    tried=$((tried + 1))
fi
rm -f image
if have mkfs.vfat fusefat; then
    truncate -s 64M image
    mkfs.vfat image >/dev/null
fi
if [ -f image ] && mounts "$fat"; then
    mounted "$fat" "${recv[@]}"
    port recv
    start send "${send[@]}" "127.0.0.1:$PORT" report.pdf
    expect send 0
    expect recv 0
    check
    tried=$((tried + 1))
fi
if [ "$tried" = 0 ]; then
    echo "not tried: needs exfat-fuse and exfatprogs, or fusefat and dosfstools, and a kernel that mounts them"
fi
