/* tun: a TUN device in a network namespace, held from outside it. */
#ifndef DUET_TEST_NET_TUN_H
#define DUET_TEST_NET_TUN_H

/*
 * Creates `device` (layer 3, no packet information) in the namespace that `ip netns add netns` made, and returns a
 * non-blocking descriptor; the device goes with it.  The caller is back in its own namespace afterwards.
 * -1 after a message on stderr.
 */
int tun_open(const char *netns, const char *device);

#endif
