// A TCP service in one process, however many connections it has.
//
// usage: service PORT echo    sends back what it gets
//        service PORT hold    takes connections and reads nothing
//
// Returns when it listens, on IPv4's loopback, and goes on in the background.
#include <arpa/inet.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

enum { connections = 4096, batch = 64 };

struct connection {
    size_t length, sent;
    char bytes[4096];
};

static struct connection *open_connections[connections];
static int events;

static void watch(int operation, int fd, uint32_t interest) {
    struct epoll_event event = {.events = interest, .data.fd = fd};
    epoll_ctl(events, operation, fd, &event);
}

static void end(int fd) {
    free(open_connections[fd]);
    open_connections[fd] = NULL;
    close(fd);
}

static void echo(int fd) {
    struct connection *connection = open_connections[fd];
    if (connection->sent == connection->length) {
        ssize_t count = read(fd, connection->bytes, sizeof(connection->bytes));
        if (count <= 0) {
            end(fd);
            return;
        }
        connection->length = (size_t)count;
        connection->sent = 0;
    }
    ssize_t count = send(fd, connection->bytes + connection->sent, connection->length - connection->sent, MSG_DONTWAIT);
    if (count > 0) connection->sent += (size_t)count;
    watch(EPOLL_CTL_MOD, fd, connection->sent == connection->length ? EPOLLIN : EPOLLOUT);
}

static int fail(const char *what) {
    perror(what);
    return 1;
}

int main(int count, char **arguments) {
    if (count != 3) return 2;
    int holds = strcmp(arguments[2], "hold") == 0, on = 1;
    struct rlimit limit = {connections, connections};
    setrlimit(RLIMIT_NOFILE, &limit);
    signal(SIGPIPE, SIG_IGN);
    int listener = socket(AF_INET, SOCK_STREAM, 0);
    struct sockaddr_in address = {
        .sin_family = AF_INET, .sin_port = htons((uint16_t)atoi(arguments[1])), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
    if (bind(listener, (struct sockaddr *)&address, sizeof(address)) < 0 || listen(listener, 1024) < 0)
        return fail("listen");
    if (daemon(0, 0) < 0) return fail("daemon");
    events = epoll_create1(0);
    watch(EPOLL_CTL_ADD, listener, EPOLLIN);
    for (;;) {
        struct epoll_event ready[batch];
        int number = epoll_wait(events, ready, batch, -1);
        for (int index = 0; index < number; index++) {
            int fd = ready[index].data.fd;
            if (fd != listener) {
                echo(fd);
                continue;
            }
            fd = accept(listener, NULL, NULL);
            if (fd < 0 || holds) continue;
            if (fd >= connections || !(open_connections[fd] = calloc(1, sizeof(struct connection)))) {
                close(fd);
                continue;
            }
            watch(EPOLL_CTL_ADD, fd, EPOLLIN);
        }
    }
}
