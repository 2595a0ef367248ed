#define _GNU_SOURCE
#include "cguest.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/netlink.h>
#include <linux/random.h>
#include <net/if.h>
#include <net/route.h>
#include <netinet/in.h>
#include <pty.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/reboot.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#define EXT4_IOC_RESIZE_FS _IOW('f', 16, uint64_t)

static int result(int value) { return value < 0 ? -errno : value; }

struct spawn_child {
    struct cguest_spawn_request *request;
    int error;
};

static int fail(struct spawn_child *child, int stage) {
    child->error = errno;
    child->request->failed_stage = stage;
    _exit(127);
}

// Runs in the parent's memory while the parent is suspended: only system calls, and no state that it shares.
static int spawn_child_main(void *argument) {
    struct spawn_child *child = argument;
    struct cguest_spawn_request *request = child->request;

    // execve(2) resets handlers by itself, but not what is ignored; nobody ignores real-time signals.
    struct sigaction action = {.sa_handler = SIG_DFL};
    for (int number = 1; number < 32; number++) sigaction(number, &action, NULL);

    if (setsid() < 0) return fail(child, CGUEST_STAGE_SESSION);
    if (request->controlling_terminal && ioctl(request->stdin_fd, TIOCSCTTY, 0) < 0)
        return fail(child, CGUEST_STAGE_TERMINAL);
    if (dup2(request->stdin_fd, 0) < 0 || dup2(request->stdout_fd, 1) < 0 || dup2(request->stderr_fd, 2) < 0)
        return fail(child, CGUEST_STAGE_STREAMS);
    // A guest without cgroups, or one that forbids it, runs the command where the agent is.
    if (request->cgroup_procs_fd >= 0 && write(request->cgroup_procs_fd, "0", 1) < 0) errno = 0;
    if (chdir(request->directory) < 0) return fail(child, CGUEST_STAGE_DIRECTORY);
    // glibc's functions would have the parent's threads change, too.
    if (request->changes_user
        && (syscall(SYS_setgroups, request->group_count, request->groups) < 0 || syscall(SYS_setgid, request->gid) < 0
            || syscall(SYS_setuid, request->uid) < 0))
        return fail(child, CGUEST_STAGE_USER);
    syscall(SYS_close_range, 3u, ~0u, 0u);
    if (request->descriptor_limit != NULL) syscall(SYS_prlimit64, 0, RLIMIT_NOFILE, request->descriptor_limit, NULL);
    umask(022);

    sigset_t none;
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    execve(request->path, request->arguments, request->environment);
    return fail(child, CGUEST_STAGE_EXECUTE);
}

int cguest_spawn(struct cguest_spawn_request *request) {
    enum { STACK_SIZE = 64 * 1024 };
    request->failed_stage = 0;
    request->pid_fd = -1;
    request->descriptor_limit = cguest_limit_of_commands();
    char *stack = mmap(NULL, STACK_SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_STACK, -1, 0);
    if (stack == MAP_FAILED) {
        request->failed_stage = CGUEST_STAGE_FORK;
        return -errno;
    }
    // A signal handler of the parent must not run in the child, which shares its memory.
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);

    struct spawn_child child = {.request = request, .error = 0};
    int pid_fd = -1;
    int pid = clone(
        spawn_child_main, stack + STACK_SIZE, CLONE_VM | CLONE_VFORK | CLONE_PIDFD | SIGCHLD, &child, &pid_fd);
    int clone_error = errno;

    pthread_sigmask(SIG_SETMASK, &before, NULL);
    munmap(stack, STACK_SIZE);
    if (pid < 0) {
        request->failed_stage = CGUEST_STAGE_FORK;
        return -clone_error;
    }
    if (child.error != 0) {
        siginfo_t info;
        while (waitid(P_PIDFD, pid_fd, &info, WEXITED) < 0 && errno == EINTR) {
        }
        close(pid_fd);
        return -child.error;
    }
    request->pid_fd = pid_fd;
    return pid;
}

int cguest_open_terminal(uint16_t columns, uint16_t rows, int *leader, int *follower) {
    struct winsize size = {.ws_col = columns, .ws_row = rows};
    if (openpty(leader, follower, NULL, NULL, &size) < 0) return -errno;
    fcntl(*leader, F_SETFD, FD_CLOEXEC);
    fcntl(*follower, F_SETFD, FD_CLOEXEC);
    return 0;
}

int cguest_set_terminal_size(int leader, uint16_t columns, uint16_t rows) {
    struct winsize size = {.ws_col = columns, .ws_row = rows};
    return result(ioctl(leader, TIOCSWINSZ, &size));
}

int cguest_add_entropy(int fd, const uint8_t *bytes, size_t count) {
    // struct rand_pool_info: the number of credited bits, the number of bytes, the bytes.
    struct {
        int bit_count;
        int byte_count;
        uint8_t bytes[4096];
    } pool = {.bit_count = (int)count * 8, .byte_count = (int)count};
    if (count > sizeof(pool.bytes)) return -EINVAL;
    memcpy(pool.bytes, bytes, count);
    int status = ioctl(fd, RNDADDENTROPY, &pool) < 0 ? -errno : 0;
    explicit_bzero(&pool, sizeof(pool));
    if (status < 0) return status;
    return result(ioctl(fd, RNDRESEEDCRNG));
}

int cguest_load_module(int fd) { return result((int)syscall(SYS_finit_module, fd, "", 0)); }

int cguest_open_uevents(void) {
    int fd = socket(AF_NETLINK, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, NETLINK_KOBJECT_UEVENT);
    if (fd < 0) return -errno;
    struct sockaddr_nl address = {.nl_family = AF_NETLINK, .nl_groups = 1};
    if (bind(fd, (struct sockaddr *)&address, sizeof(address)) < 0) {
        int error = errno;
        close(fd);
        return -error;
    }
    return fd;
}

int cguest_resize_ext4(int fd, uint64_t blocks) { return result(ioctl(fd, EXT4_IOC_RESIZE_FS, &blocks)); }

static void set_address(struct sockaddr *field, uint32_t address) {
    struct sockaddr_in value = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(address)};
    memcpy(field, &value, sizeof(value));
}

int cguest_interface_up(const char *name, uint32_t address, uint32_t netmask) {
    int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (fd < 0) return -errno;
    struct ifreq request;
    memset(&request, 0, sizeof(request));
    strncpy(request.ifr_name, name, IFNAMSIZ - 1);
    int status = 0;
    if (address != 0) {
        set_address(&request.ifr_addr, address);
        if (ioctl(fd, SIOCSIFADDR, &request) < 0) status = -errno;
        set_address(&request.ifr_netmask, netmask);
        if (status == 0 && ioctl(fd, SIOCSIFNETMASK, &request) < 0) status = -errno;
    }
    if (status == 0 && ioctl(fd, SIOCGIFFLAGS, &request) < 0) status = -errno;
    request.ifr_flags |= IFF_UP | IFF_RUNNING;
    if (status == 0 && ioctl(fd, SIOCSIFFLAGS, &request) < 0) status = -errno;
    close(fd);
    return status;
}

int cguest_default_route(uint32_t gateway) {
    int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (fd < 0) return -errno;
    struct rtentry route;
    memset(&route, 0, sizeof(route));
    set_address(&route.rt_dst, 0);
    set_address(&route.rt_genmask, 0);
    set_address(&route.rt_gateway, gateway);
    route.rt_flags = RTF_UP | RTF_GATEWAY;
    int status = ioctl(fd, SIOCADDRT, &route) < 0 && errno != EEXIST ? -errno : 0;
    close(fd);
    return status;
}

int cguest_power_off(void) { return result(reboot(RB_POWER_OFF)); }

int cguest_real_time_minimum(void) { return SIGRTMIN; }

int64_t cguest_filesystem_type(const char *path) {
    struct statfs status;
    return statfs(path, &status) < 0 ? -errno : (int64_t)status.f_type;
}

int cguest_fork(void) { return result(fork()); }

static int bound_socket(int type, const struct sockaddr_un *address, socklen_t length) {
    int fd = socket(AF_UNIX, type | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0) return -errno;
    if (bind(fd, (const struct sockaddr *)address, length) < 0) {
        int error = errno;
        close(fd);
        return -error;
    }
    return fd;
}

int cguest_bind_abstract(const char *name) {
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    size_t length = strlen(name);
    if (length > sizeof(address.sun_path) - 1) return -ENAMETOOLONG;
    memcpy(address.sun_path + 1, name, length);
    return bound_socket(SOCK_DGRAM, &address, (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 + length));
}

int cguest_listen(const char *path) {
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    if (strlen(path) >= sizeof(address.sun_path)) return -ENAMETOOLONG;
    strcpy(address.sun_path, path);
    int fd = bound_socket(SOCK_STREAM, &address, sizeof(address));
    if (fd >= 0 && listen(fd, 1) < 0) {
        int error = errno;
        close(fd);
        return -error;
    }
    return fd;
}

int cguest_reap(int pid_fd) {
    siginfo_t info = {0};
    if (waitid(P_PIDFD, (id_t)pid_fd, &info, WEXITED | WNOHANG) < 0) return -errno;
    if (info.si_pid == 0) return -EAGAIN;
    return info.si_code == CLD_EXITED ? info.si_status & 0xFF : 128 + info.si_status;
}

void cguest_log(const char *line) {
    int fd = open("/dev/kmsg", O_WRONLY | O_CLOEXEC);
    if (fd < 0) return;
    if (write(fd, line, strlen(line)) < 0) errno = 0;
    close(fd);
}

int cguest_socket_pair(int ends[2]) { return result(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends)); }

int cguest_pipe(int *read_end, int *write_end) {
    int ends[2];
    if (pipe2(ends, O_CLOEXEC) < 0) return -errno;
    *read_end = ends[0];
    *write_end = ends[1];
    return 0;
}

int cguest_make_temporary(char *template) { return result(mkostemp(template, O_CLOEXEC)); }

int cguest_accept(int listener) { return result(accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC)); }

void cguest_device_of(const char *path, unsigned *major_number, unsigned *minor_number) {
    struct stat status;
    if (stat(path, &status) < 0) status.st_dev = 0;
    *major_number = major(status.st_dev);
    *minor_number = minor(status.st_dev);
}

uint8_t *cguest_shared_byte(void) {
    void *page = mmap(NULL, 1, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    return page == MAP_FAILED ? NULL : page;
}

// Swift's runtime looks for its own path in /proc before main, and aborts when there is none.
__attribute__((constructor(101))) static void mount_proc_for_runtime(void) {
    if (getpid() != 1 || access("/proc/self", F_OK) == 0) return;
    mkdir("/proc", 0555);
    if (mount("proc", "/proc", "proc", MS_NOSUID | MS_NODEV | MS_NOEXEC, NULL) < 0) _exit(1);
}
