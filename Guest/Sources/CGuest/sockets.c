#define _GNU_SOURCE
#include "cguest.h"

#include <arpa/inet.h>
#include <errno.h>
#include <ifaddrs.h>
#include <malloc.h>
#include <net/if.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

static socklen_t to_socket_address(
    const struct cguest_address *address, uint16_t port, struct sockaddr_storage *result) {
    memset(result, 0, sizeof(*result));
    if (address->is_ipv6) {
        struct sockaddr_in6 *value = (struct sockaddr_in6 *)result;
        value->sin6_family = AF_INET6;
        value->sin6_port = htons(port);
        value->sin6_scope_id = address->scope;
        memcpy(&value->sin6_addr, address->bytes, 16);
        return sizeof(*value);
    }
    struct sockaddr_in *value = (struct sockaddr_in *)result;
    value->sin_family = AF_INET;
    value->sin_port = htons(port);
    memcpy(&value->sin_addr, address->bytes, 4);
    return sizeof(*value);
}

bool cguest_parse_address(const char *text, struct cguest_address *address) {
    memset(address, 0, sizeof(*address));
    if (inet_pton(AF_INET, text, address->bytes) == 1) return true;
    char copy[INET6_ADDRSTRLEN + IF_NAMESIZE + 1];
    if (strlen(text) >= sizeof(copy)) return false;
    strcpy(copy, text);
    char *zone = strchr(copy, '%');
    if (zone != NULL) {
        *zone++ = 0;
        address->scope = if_nametoindex(zone);
        if (address->scope == 0) return false;
    }
    address->is_ipv6 = true;
    return inet_pton(AF_INET6, copy, address->bytes) == 1;
}

size_t cguest_own_addresses(struct cguest_address *list, size_t capacity) {
    struct ifaddrs *first;
    if (getifaddrs(&first) < 0) return 0;
    size_t count = 0;
    for (const struct ifaddrs *item = first; item != NULL && count < capacity; item = item->ifa_next) {
        if (item->ifa_addr == NULL || (item->ifa_flags & IFF_UP) == 0) continue;
        struct cguest_address address = {0};
        if (item->ifa_addr->sa_family == AF_INET) {
            const struct sockaddr_in *value = (const struct sockaddr_in *)item->ifa_addr;
            memcpy(address.bytes, &value->sin_addr, 4);
            if (address.bytes[0] == 127 && address.bytes[3] == 1) continue;
        } else if (item->ifa_addr->sa_family == AF_INET6) {
            const struct sockaddr_in6 *value = (const struct sockaddr_in6 *)item->ifa_addr;
            if (IN6_IS_ADDR_LOOPBACK(&value->sin6_addr)) continue;
            memcpy(address.bytes, &value->sin6_addr, 16);
            address.is_ipv6 = true;
            if (IN6_IS_ADDR_LINKLOCAL(&value->sin6_addr)) address.scope = value->sin6_scope_id;
        } else {
            continue;
        }
        list[count++] = address;
    }
    freeifaddrs(first);
    return count;
}

static int connected_socket(int type, const struct cguest_address *address, uint16_t port) {
    int fd = socket(address->is_ipv6 ? AF_INET6 : AF_INET, type | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0) return -errno;
    // Bounded, for the kernel resets connections when those of all programs together take too much of a small machine.
    int size = 128 * 1024;
    setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &size, sizeof(size));
    setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &size, sizeof(size));
    struct sockaddr_storage target;
    socklen_t length = to_socket_address(address, port, &target);
    if (connect(fd, (const struct sockaddr *)&target, length) < 0 && errno != EINPROGRESS) {
        int error = errno;
        close(fd);
        return -error;
    }
    return fd;
}

int cguest_connect(const struct cguest_address *address, uint16_t port) {
    int fd = connected_socket(SOCK_STREAM, address, port);
    if (fd < 0) return fd;
    int on = 1;
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
    setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof(on));
    return fd;
}

bool cguest_is_connected_to_itself(int fd) {
    struct sockaddr_storage own = {0}, peer = {0};
    socklen_t own_length = sizeof(own), peer_length = sizeof(peer);
    if (getsockname(fd, (struct sockaddr *)&own, &own_length) < 0) return false;
    if (getpeername(fd, (struct sockaddr *)&peer, &peer_length) < 0) return false;
    return own_length == peer_length && memcmp(&own, &peer, own_length) == 0;
}

int cguest_open_datagrams(const struct cguest_address *address, uint16_t port) {
    return connected_socket(SOCK_DGRAM, address, port);
}

int cguest_socket_error(int fd) {
    int error = 0;
    socklen_t length = sizeof(error);
    if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &length) < 0) return errno;
    return error;
}

void cguest_set_send_buffer(int fd, size_t bytes) {
    int size = (int)bytes;
    if (setsockopt(fd, SOL_SOCKET, SO_SNDBUFFORCE, &size, sizeof(size)) < 0)
        setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &size, sizeof(size));
}

void cguest_reset_on_close(int fd) {
    struct linger now = {.l_onoff = 1, .l_linger = 0};
    setsockopt(fd, SOL_SOCKET, SO_LINGER, &now, sizeof(now));
}

void cguest_run_first(void) {
    struct sched_param lowest = {.sched_priority = 1};
    sched_setscheduler(0, SCHED_RR | SCHED_RESET_ON_FORK, &lowest);
}

void cguest_keep_heap(size_t bytes) {
    mallopt(M_TRIM_THRESHOLD, (int)bytes);
    // Set by hand, neither of the two adapts any more.
    mallopt(M_MMAP_THRESHOLD, (int)bytes);
}

static struct rlimit limit_of_commands;

void cguest_raise_descriptor_limit(uint64_t count) {
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) < 0 || limit.rlim_cur >= count) return;
    struct rlimit raised = {.rlim_cur = count, .rlim_max = limit.rlim_max > count ? limit.rlim_max : count};
    if (setrlimit(RLIMIT_NOFILE, &raised) == 0) limit_of_commands = limit;
}

const struct rlimit *cguest_limit_of_commands(void) {
    return limit_of_commands.rlim_max == 0 ? NULL : &limit_of_commands;
}
