// System calls that Swift cannot express: variadic ones, macros, and what must happen between fork and exec.
// Every function returns a non-negative result, or a negated errno.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/types.h>

// What cguest_spawn() was doing when it failed.
enum cguest_spawn_stage {
    CGUEST_STAGE_FORK = 1,
    CGUEST_STAGE_SESSION = 2,
    CGUEST_STAGE_TERMINAL = 3,
    CGUEST_STAGE_STREAMS = 4,
    CGUEST_STAGE_DIRECTORY = 5,
    CGUEST_STAGE_EXECUTE = 6,
    CGUEST_STAGE_USER = 7,
};

struct rlimit;

struct cguest_spawn_request {
    const char *path;
    char *const *arguments;
    char *const *environment;
    const char *directory;
    // Become 0, 1 and 2; all above 2.
    int stdin_fd;
    int stdout_fd;
    int stderr_fd;
    // Whether stdin is a terminal that becomes the controlling one.
    bool controlling_terminal;
    // An open cgroup.procs that the process enters, or -1.
    int cgroup_procs_fd;
    // Whether the process becomes another user, with these groups and no others.
    bool changes_user;
    uint32_t uid;
    uint32_t gid;
    const uint32_t *groups;
    size_t group_count;
    // Set on return.
    int pid_fd;
    int failed_stage;
    // Set by cguest_spawn(): the limit from before this process raised its own, or NULL.
    const struct rlimit *descriptor_limit;
};

// Starts a process in its own session with default signal dispositions and no other descriptors. Returns its pid
// after execve(2) has succeeded.
int cguest_spawn(struct cguest_spawn_request *request);

// Opens a pseudo-terminal of that size, both ends with close-on-exec.
int cguest_open_terminal(uint16_t columns, uint16_t rows, int *leader, int *follower);
int cguest_set_terminal_size(int leader, uint16_t columns, uint16_t rows);

// Credits `count` bytes to the random number generator behind `fd` and makes it derive new keys at once.
int cguest_add_entropy(int fd, const uint8_t *bytes, size_t count);

struct cguest_connections;

// Lists every IPv4 and IPv6 TCP connection whose peer is not this machine's loopback. The list is NULL on failure.
int cguest_list_outside_connections(struct cguest_connections **connections);

// Ends those of the list that are still there; none that was made since, whatever its addresses. Returns how many.
int cguest_destroy_connections(const struct cguest_connections *list);

// Frees the list. NULL is allowed.
void cguest_forget_connections(struct cguest_connections *list);

int cguest_load_module(int fd);
int cguest_open_uevents(void);
int cguest_resize_ext4(int fd, uint64_t blocks);

int cguest_interface_up(const char *name, uint32_t address, uint32_t netmask);
int cguest_default_route(uint32_t gateway);

int cguest_power_off(void);
int cguest_real_time_minimum(void);

// The type of filesystem at `path`, as statfs(2) reports it.
int64_t cguest_filesystem_type(const char *path);

// fork(2), which Swift hides: for a process with one thread.
int cguest_fork(void);
// Binds a datagram socket in the abstract namespace. `name` without the leading zero byte.
int cguest_bind_abstract(const char *name);
// Listens on a Unix socket.
int cguest_listen(const char *path);
// The exit status of a process that has ended as a shell would report it, or -EAGAIN.
int cguest_reap(int pid_fd);
// Writes the line to the kernel's log, where the console shows it.
void cguest_log(const char *line);

// An IPv4 address in the first 4 bytes, or an IPv6 address with the interface of a link-local one.
struct cguest_address {
    uint8_t bytes[16];
    uint32_t scope;
    bool is_ipv6;
};

// Reads a numeric address, with `%interface` behind an IPv6 one.
bool cguest_parse_address(const char *text, struct cguest_address *address);
// The addresses of all interfaces that are up, without 127.0.0.1 and ::1. Returns how many.
size_t cguest_own_addresses(struct cguest_address *list, size_t capacity);
// Begins a TCP connection; the socket becomes writable when it is established, or readable and writable when it failed.
int cguest_connect(const struct cguest_address *address, uint16_t port);
// Whether a connection to a port of this machine has met itself, as it does when nothing listens there and the kernel
// happens to give it that very port.
bool cguest_is_connected_to_itself(int fd);
int cguest_open_datagrams(const struct cguest_address *address, uint16_t port);
// The error that is pending on a socket, or 0.
int cguest_socket_error(int fd);
// Has the kernel hold so many bytes that the other end of a connection has not taken yet, as far as it may.
void cguest_set_send_buffer(int fd, size_t bytes);
// Lets close(2) reset the connection.
void cguest_reset_on_close(int fd);
// Lets this process, but not those of cguest_spawn(), have that many descriptors, if it may.
void cguest_raise_descriptor_limit(uint64_t count);
// Has this process, but none that it starts, run before all others that want the processor, if it may.
void cguest_run_first(void);
// Has the heap keep so many bytes that are free, in place of giving them back and getting them anew, cleared.
void cguest_keep_heap(size_t bytes);
// The limit from before it was raised, or NULL.
const struct rlimit *cguest_limit_of_commands(void);

// GNU extensions that glibc's module map hides.
int cguest_pipe(int *read_end, int *write_end);
// Two connected sockets, closed on exec.
int cguest_socket_pair(int ends[2]);
int cguest_make_temporary(char *template);
int cguest_accept(int listener);
// The path below /sys/dev/block of the device that a file is on.
void cguest_device_of(const char *path, unsigned *major_number, unsigned *minor_number);
// A byte, 0 at first, that this process shares with all that it forks from now on; NULL when there is no memory.
uint8_t *cguest_shared_byte(void);
