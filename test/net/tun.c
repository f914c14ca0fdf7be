#include "tun.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/if_tun.h>
#include <net/if.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

static int complain(const char *what, const char *which)
{
    fprintf(stderr, "linkemu: %s %s: %s\n", what, which, strerror(errno));
    return -1;
}

/* Linux 6.2; Debian 12's headers are older. */
#ifndef TUN_F_USO4
#define TUN_F_USO4 0x20
#define TUN_F_USO6 0x40
#endif

/* What the kernel may leave to card.c.  Not TUN_F_TSO_ECN: a train's packets have the same flags.
 * A kernel that does not know USO cuts trains of datagrams itself. */
static int offload(int fd)
{
    unsigned sums = TUN_F_CSUM, trains = sums | TUN_F_TSO4 | TUN_F_TSO6, all = trains | TUN_F_USO4 | TUN_F_USO6;
    return ioctl(fd, TUNSETOFFLOAD, all) == 0 ? 0 : ioctl(fd, TUNSETOFFLOAD, trains);
}

/* The device belongs to the namespace the process is in when it opens /dev/net/tun. */
static int create(const char *device)
{
    int fd = open("/dev/net/tun", O_RDWR | O_NONBLOCK | O_CLOEXEC);
    if (fd < 0)
        return complain("cannot open", "/dev/net/tun");
    struct ifreq request = {.ifr_flags = IFF_TUN | IFF_NO_PI | IFF_VNET_HDR};
    if (snprintf(request.ifr_name, sizeof request.ifr_name, "%s", device) >= (int)sizeof request.ifr_name) {
        errno = ENAMETOOLONG;
        complain("device name", device);
        close(fd);
        return -1;
    }
    const char *failed = ioctl(fd, TUNSETIFF, &request) < 0 ? "cannot create"
                         : offload(fd) < 0                  ? "cannot offload"
                                                            : NULL;
    if (failed) {
        complain(failed, device);
        close(fd);
        return -1;
    }
    return fd;
}

int tun_open(const char *netns, const char *device)
{
    char path[256];
    if (snprintf(path, sizeof path, "/run/netns/%s", netns) >= (int)sizeof path) {
        errno = ENAMETOOLONG;
        return complain("namespace", netns);
    }
    int home = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
    if (home < 0)
        return complain("cannot open", "/proc/self/ns/net");
    int fd = -1, there = open(path, O_RDONLY | O_CLOEXEC);
    if (there < 0) {
        complain("cannot open", path);
    } else if (setns(there, CLONE_NEWNET) < 0) {
        complain("cannot enter", path);
    } else {
        fd = create(device);
        if (setns(home, CLONE_NEWNET) < 0) {
            complain("cannot leave", path);
            if (fd >= 0)
                close(fd);
            fd = -1;
        }
    }
    if (there >= 0)
        close(there);
    close(home);
    return fd;
}
