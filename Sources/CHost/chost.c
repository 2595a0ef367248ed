#define _GNU_SOURCE
#include "chost.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#ifndef P_PIDFD
#define P_PIDFD 3
#endif

static int add_file_actions(posix_spawn_file_actions_t *actions, const struct chost_spawn_request *request) {
    int error = posix_spawn_file_actions_addopen(actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
    if (!error) error = posix_spawn_file_actions_adddup2(actions, request->output_fd, STDOUT_FILENO);
    if (!error) error = posix_spawn_file_actions_adddup2(actions, request->output_fd, STDERR_FILENO);
    int next = STDERR_FILENO + 1;
    for (size_t i = 0; i < request->inherited_count && !error; i++) {
        error = posix_spawn_file_actions_adddup2(actions, request->inherited[i], next++);
    }
    if (!error) error = posix_spawn_file_actions_addclosefrom_np(actions, next);
    if (!error) error = posix_spawn_file_actions_addchdir_np(actions, request->working_directory);
    return error;
}

int chost_spawn(const struct chost_spawn_request *request, pid_t *pid) {
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attributes;
    sigset_t none, all;
    int error = posix_spawn_file_actions_init(&actions);
    if (error) return error;
    error = posix_spawnattr_init(&attributes);
    if (error) {
        posix_spawn_file_actions_destroy(&actions);
        return error;
    }
    sigemptyset(&none);
    sigfillset(&all);
    posix_spawnattr_setsigmask(&attributes, &none);
    posix_spawnattr_setsigdefault(&attributes, &all);
    error = posix_spawnattr_setflags(
        &attributes, POSIX_SPAWN_SETSID | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
    if (!error) error = add_file_actions(&actions, request);
    if (!error) {
        error = posix_spawn(
            pid, request->executable, &actions, &attributes, request->arguments, request->environment);
    }
    posix_spawnattr_destroy(&attributes);
    posix_spawn_file_actions_destroy(&actions);
    return error;
}

int chost_pipe(int ends[2]) { return pipe2(ends, O_CLOEXEC); }

int chost_leash(int reader, pid_t pid) {
    struct f_owner_ex owner = {.type = F_OWNER_PID, .pid = pid};
    if (fcntl(reader, F_SETOWN_EX, &owner) != 0 || fcntl(reader, F_SETSIG, SIGKILL) != 0) return -1;
    int flags = fcntl(reader, F_GETFL);
    return flags < 0 ? -1 : fcntl(reader, F_SETFL, flags | O_ASYNC);
}

int chost_unleash(int reader) {
    int flags = fcntl(reader, F_GETFL);
    return flags < 0 ? -1 : fcntl(reader, F_SETFL, flags & ~O_ASYNC);
}

int chost_pidfd_open(pid_t pid) { return (int)syscall(SYS_pidfd_open, pid, 0); }

int chost_pidfd_send_signal(int pidfd, int signal) {
    return (int)syscall(SYS_pidfd_send_signal, pidfd, signal, NULL, 0);
}

int chost_pidfd_has_ended(int pidfd) {
    struct pollfd wait = {.fd = pidfd, .events = POLLIN};
    return poll(&wait, 1, 0) == 1;
}

int chost_pidfd_reap(int pidfd, int *code, int *status) {
    siginfo_t info;
    memset(&info, 0, sizeof info);
    if (waitid((idtype_t)P_PIDFD, (id_t)pidfd, &info, WEXITED | WNOHANG) != 0) return -1;
    if (info.si_pid == 0) {
        errno = EAGAIN;
        return -1;
    }
    *code = info.si_code;
    *status = info.si_status;
    return 0;
}

/// sun_path holds 107 characters; a path through a descriptor of the directory is always shorter. Returns that
/// descriptor.
static int address_in_directory(const char *directory, const char *name, struct sockaddr_un *address) {
    int fd = open(directory, O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0) return -1;
    address->sun_family = AF_UNIX;
    int length = snprintf(address->sun_path, sizeof address->sun_path, "/proc/self/fd/%d/%s", fd, name);
    if (length > 0 && (size_t)length < sizeof address->sun_path) return fd;
    close(fd);
    errno = ENAMETOOLONG;
    return -1;
}

/// Closes `fd` and keeps errno.
static void give_up(int fd) {
    int error = errno;
    if (fd >= 0) close(fd);
    errno = error;
}

/// Opens a socket's file itself: whoever may write to the directory cannot have a link followed in its place.
static int open_socket_file(const char *directory, const char *name) {
    int directory_fd = open(directory, O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (directory_fd < 0) return -1;
    int fd = openat(directory_fd, name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
    give_up(directory_fd);
    struct stat status;
    if (fd < 0 || fstat(fd, &status) != 0 || S_ISSOCK(status.st_mode)) return fd;
    close(fd);
    errno = ECONNREFUSED;
    return -1;
}

int chost_connect_unix(const char *directory, const char *name) {
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    int file_fd = open_socket_file(directory, name);
    if (file_fd < 0) return -1;
    snprintf(address.sun_path, sizeof address.sun_path, "/proc/self/fd/%d", file_fd);
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd >= 0 && connect(fd, (struct sockaddr *)&address, sizeof address) != 0) {
        give_up(fd);
        fd = -1;
    }
    give_up(file_fd);
    return fd;
}

int chost_listen_unix(const char *directory, const char *name) {
    struct sockaddr_un address;
    int directory_fd = address_in_directory(directory, name, &address);
    if (directory_fd < 0) return -1;
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    unlink(address.sun_path);
    // The mode of the socket's file is that of the descriptor at the time of bind: it is never open to others.
    if (fd >= 0
        && (fchmod(fd, 0600) != 0 || bind(fd, (struct sockaddr *)&address, sizeof address) != 0
            || listen(fd, 16) != 0)) {
        give_up(fd);
        fd = -1;
    }
    give_up(directory_fd);
    return fd;
}

static int wait_writable(int fd, int timeout_milliseconds) {
    struct pollfd wait = {.fd = fd, .events = POLLOUT};
    int ready = poll(&wait, 1, timeout_milliseconds);
    if (ready == 0) errno = ETIMEDOUT;
    return ready > 0 ? 0 : -1;
}

int chost_send_with_descriptor(int socket_fd, const void *bytes, size_t length, int fd, int timeout_milliseconds) {
    union {
        struct cmsghdr header;
        char space[CMSG_SPACE(sizeof(int))];
    } control;
    memset(&control, 0, sizeof control);
    struct iovec data = {.iov_base = (void *)bytes, .iov_len = length};
    struct msghdr message = {
        .msg_iov = &data, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof control.space};
    struct cmsghdr *rights = CMSG_FIRSTHDR(&message);
    rights->cmsg_level = SOL_SOCKET;
    rights->cmsg_type = SCM_RIGHTS;
    rights->cmsg_len = CMSG_LEN(sizeof(int));
    memcpy(CMSG_DATA(rights), &fd, sizeof fd);
    while (data.iov_len > 0) {
        ssize_t sent = sendmsg(socket_fd, &message, MSG_NOSIGNAL);
        if (sent < 0 && errno == EINTR) continue;
        if (sent < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) {
            if (wait_writable(socket_fd, timeout_milliseconds) != 0) return -1;
            continue;
        }
        if (sent < 0) return -1;
        data.iov_base = (char *)data.iov_base + sent;
        data.iov_len -= (size_t)sent;
        message.msg_control = NULL;
        message.msg_controllen = 0;
    }
    return 0;
}

int chost_flock_exclusive(int fd) { return flock(fd, LOCK_EX | LOCK_NB); }

int chost_exit_watch_create(void) { return epoll_create1(EPOLL_CLOEXEC); }

int chost_exit_watch_add(int watch, int pidfd) {
    struct epoll_event event = {.events = EPOLLIN | EPOLLONESHOT, .data = {.fd = pidfd}};
    return epoll_ctl(watch, EPOLL_CTL_ADD, pidfd, &event);
}

void chost_exit_watch_remove(int watch, int pidfd) { epoll_ctl(watch, EPOLL_CTL_DEL, pidfd, NULL); }

int chost_exit_watch_wait(int watch, int *pidfds, int capacity) {
    struct epoll_event events[64];
    int count = epoll_wait(watch, events, capacity < 64 ? capacity : 64, -1);
    for (int i = 0; i < count; i++) pidfds[i] = events[i].data.fd;
    return count;
}

void chost_name_thread(const char *name) { pthread_setname_np(pthread_self(), name); }
