# A sparse file of more than 4 GiB: no offset is cut to 32 bits, and nothing depends on the size of a file.
# timeout: 200
set -euo pipefail
. "$ROOT/test/e2e/lib.sh"

size=4200M
needed_kb=$((6 << 20)) # what arrives is not sparse
seconds_max=150
if [ "$(df --output=avail -k . | tail -n 1)" -lt "$needed_kb" ]; then
    echo "skipped: needs 6 GB of disk"
    exit 77
fi

mkdir in
truncate -s "$size" big
# Where 32 bits end, and the two ends, there is something to be seen.
for at in 0 2147483640 4294967290 4404019100; do
    printf 'here is byte %s\n' "$at" | dd of=big bs=1 seek="$at" conv=notrunc status=none
done
start recv "$DUET" recv --home "$(home_of bob)" --accept-new -y -o in -p 0
port recv
start send "$DUET" send --home "$(home_of alice)" --accept-new -p 0 -c "127.0.0.1:$PORT" big
expect send 0 "$seconds_max"
expect recv 0
same big in/big
