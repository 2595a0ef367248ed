#define _GNU_SOURCE
#include "chost_namespace.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/if_tun.h>
#include <net/if.h>
#include <pthread.h>
#include <sched.h>
#include <stdbool.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <unistd.h>

struct creation {
    const char *path;
    const char *tap;
    int tap_fd;
    int error;
};

struct setting {
    const char *file;
    const char *value;
    bool is_optional;
};

/// Interfaces that are made later take the defaults.
static const struct setting settings[] = {
    {"/proc/sys/net/ipv4/ip_forward", "1", false},
    {"/proc/sys/net/ipv4/conf/all/send_redirects", "0", false},
    {"/proc/sys/net/ipv4/conf/default/send_redirects", "0", false},
    {"/proc/sys/net/ipv6/conf/all/disable_ipv6", "1", true},
    {"/proc/sys/net/ipv6/conf/default/disable_ipv6", "1", true},
};

static int apply(const struct setting *setting) {
    int fd = open(setting->file, O_WRONLY | O_CLOEXEC);
    if (fd < 0) return setting->is_optional && errno == ENOENT ? 0 : errno;
    ssize_t written = write(fd, setting->value, strlen(setting->value));
    int error = written < 0 ? errno : 0;
    close(fd);
    return error;
}

static int open_tap(const char *name, int *tap_fd) {
    struct ifreq request;
    memset(&request, 0, sizeof request);
    if (strlen(name) >= sizeof request.ifr_name) return ENAMETOOLONG;
    strcpy(request.ifr_name, name);
    // No virtio header: with one the guest's card would be offered offloads.
    request.ifr_flags = IFF_TAP | IFF_NO_PI;
    int fd = open("/dev/net/tun", O_RDWR | O_CLOEXEC);
    if (fd < 0) return errno;
    if (ioctl(fd, TUNSETIFF, &request) != 0) {
        int error = errno;
        close(fd);
        return error;
    }
    *tap_fd = fd;
    return 0;
}

static int name_namespace(const char *path) {
    int fd = open(path, O_RDONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0444);
    if (fd < 0) return errno;
    close(fd);
    if (mount("/proc/thread-self/ns/net", path, NULL, MS_BIND, NULL) == 0) return 0;
    int error = errno;
    unlink(path);
    return error;
}

/// A thread of its own: it ends in the new namespace.
static void *create(void *argument) {
    struct creation *creation = argument;
    if (unshare(CLONE_NEWNET) != 0) {
        creation->error = errno;
        return NULL;
    }
    for (size_t i = 0; i < sizeof settings / sizeof *settings && !creation->error; i++) {
        creation->error = apply(&settings[i]);
    }
    if (!creation->error && creation->tap) creation->error = open_tap(creation->tap, &creation->tap_fd);
    if (!creation->error) creation->error = name_namespace(creation->path);
    if (creation->error && creation->tap_fd >= 0) close(creation->tap_fd);
    return NULL;
}

int chost_namespace_create(const char *path, const char *tap, int *tap_fd) {
    struct creation creation = {.path = path, .tap = tap, .tap_fd = -1};
    pthread_t thread;
    int error = pthread_create(&thread, NULL, create, &creation);
    if (error) return error;
    pthread_join(thread, NULL);
    if (!creation.error && tap_fd) *tap_fd = creation.tap_fd;
    return creation.error;
}

struct opening {
    const char *path;
    int fd;
    int error;
};

/// A thread of its own, as above.
static void *open_socket(void *argument) {
    struct opening *opening = argument;
    int namespace_fd = open(opening->path, O_RDONLY | O_CLOEXEC);
    if (namespace_fd < 0) {
        opening->error = errno;
        return NULL;
    }
    if (setns(namespace_fd, CLONE_NEWNET) != 0) opening->error = errno;
    close(namespace_fd);
    if (opening->error) return NULL;
    opening->fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (opening->fd < 0) opening->error = errno;
    return NULL;
}

int chost_namespace_datagram_socket(const char *path, int *fd) {
    struct opening opening = {.path = path, .fd = -1};
    pthread_t thread;
    int error = pthread_create(&thread, NULL, open_socket, &opening);
    if (error) return error;
    pthread_join(thread, NULL);
    *fd = opening.fd;
    return opening.error;
}

int chost_namespace_remove(const char *path) {
    // EINVAL: the file is there, and nothing is mounted on it.
    if (umount2(path, MNT_DETACH) != 0 && errno != EINVAL && errno != ENOENT) return errno;
    return unlink(path) == 0 || errno == ENOENT ? 0 : errno;
}
