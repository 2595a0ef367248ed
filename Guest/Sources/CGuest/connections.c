#define _GNU_SOURCE
#include "cguest.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/inet_diag.h>
#include <linux/netlink.h>
#include <linux/sock_diag.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { TCP_STATE_CLOSE = 7, TCP_STATE_LISTEN = 10 };

struct diag_message {
    struct nlmsghdr header;
    struct inet_diag_req_v2 request;
};

struct connection {
    int family;
    struct inet_diag_sockid id;
};

struct cguest_connections {
    struct connection *items;
    size_t count;
    size_t capacity;
};

static const int families[] = {AF_INET, AF_INET6};

static bool is_loopback(int family, const __be32 *address) {
    if (family == AF_INET) return (ntohl(address[0]) >> 24) == 127;
    const struct in6_addr *ipv6 = (const struct in6_addr *)address;
    if (IN6_IS_ADDR_V4MAPPED(ipv6)) return ipv6->s6_addr[12] == 127;
    return IN6_IS_ADDR_LOOPBACK(ipv6);
}

static int append(struct cguest_connections *list, int family, const struct inet_diag_sockid *id) {
    if (list->count == list->capacity) {
        size_t capacity = list->capacity == 0 ? 64 : list->capacity * 2;
        void *grown = realloc(list->items, capacity * sizeof(*list->items));
        if (grown == NULL) return -ENOMEM;
        list->items = grown;
        list->capacity = capacity;
    }
    list->items[list->count++] = (struct connection){.family = family, .id = *id};
    return 0;
}

// Reads one answer of the kernel. Returns 1 when the dump is complete.
static int collect(const char *buffer, ssize_t length, int family, struct cguest_connections *list) {
    for (const struct nlmsghdr *header = (const struct nlmsghdr *)buffer; NLMSG_OK(header, (size_t)length);
         header = NLMSG_NEXT(header, length)) {
        if (header->nlmsg_type == NLMSG_DONE) return 1;
        if (header->nlmsg_type == NLMSG_ERROR) return ((const struct nlmsgerr *)NLMSG_DATA(header))->error ?: 1;
        const struct inet_diag_msg *message = NLMSG_DATA(header);
        if (is_loopback(family, message->id.idiag_dst)) continue;
        int status = append(list, family, &message->id);
        if (status < 0) return status;
    }
    return 0;
}

static int list_outside(int fd, int family, struct cguest_connections *list) {
    struct diag_message message = {
        .header = {
            .nlmsg_len = sizeof(message),
            .nlmsg_type = SOCK_DIAG_BY_FAMILY,
            .nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP,
        },
        .request = {
            .sdiag_family = (uint8_t)family,
            .sdiag_protocol = IPPROTO_TCP,
            .idiag_states = ~(uint32_t)((1u << TCP_STATE_LISTEN) | (1u << TCP_STATE_CLOSE)),
        },
    };
    if (send(fd, &message, sizeof(message), 0) < 0) return -errno;
    for (;;) {
        _Alignas(struct nlmsghdr) char buffer[32768];
        ssize_t length = recv(fd, buffer, sizeof(buffer), 0);
        if (length < 0) return -errno;
        int status = collect(buffer, length, family, list);
        if (status != 0) return status < 0 ? status : 0;
    }
}

static int destroy(int fd, const struct connection *connection) {
    struct diag_message message = {
        .header = {
            .nlmsg_len = sizeof(message),
            .nlmsg_type = SOCK_DESTROY,
            .nlmsg_flags = NLM_F_REQUEST | NLM_F_ACK,
        },
        .request = {
            .sdiag_family = (uint8_t)connection->family,
            .sdiag_protocol = IPPROTO_TCP,
            .id = connection->id,
        },
    };
    if (send(fd, &message, sizeof(message), 0) < 0) return -errno;
    struct {
        struct nlmsghdr header;
        struct nlmsgerr error;
        char original[sizeof(message)];
    } answer;
    if (recv(fd, &answer, sizeof(answer), 0) < 0) return -errno;
    return answer.error.error;
}

static int open_diagnosis(void) {
    int fd = socket(AF_NETLINK, SOCK_DGRAM | SOCK_CLOEXEC, NETLINK_SOCK_DIAG);
    return fd < 0 ? -errno : fd;
}

int cguest_list_outside_connections(struct cguest_connections **connections) {
    *connections = NULL;
    int fd = open_diagnosis();
    if (fd < 0) return fd;
    struct cguest_connections *list = calloc(1, sizeof(*list));
    int status = list == NULL ? -ENOMEM : 0;
    for (size_t index = 0; index < 2 && status == 0; index++) status = list_outside(fd, families[index], list);
    close(fd);
    if (status == 0) *connections = list;
    else cguest_forget_connections(list);
    return status;
}

int cguest_destroy_connections(const struct cguest_connections *list) {
    if (list->count == 0) return 0;
    int fd = open_diagnosis();
    if (fd < 0) return fd;
    int destroyed = 0;
    int status = 0;
    for (size_t index = 0; index < list->count && status == 0; index++) {
        int error = destroy(fd, &list->items[index]);
        if (error == 0) destroyed++;
        // It has ended by itself since it was listed.
        else if (error != -ENOENT) status = error;
    }
    close(fd);
    return status < 0 ? status : destroyed;
}

void cguest_forget_connections(struct cguest_connections *list) {
    if (list != NULL) free(list->items);
    free(list);
}
