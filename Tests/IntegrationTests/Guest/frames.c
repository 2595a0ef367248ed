// frames HEX...: sends each frame as it is.
#include <linux/if_packet.h>
#include <net/if.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

enum { FRAME_MAX = 1514 };

static int send_frame(int fd, const char *hex) {
    unsigned char frame[FRAME_MAX];
    size_t length = strlen(hex) / 2;
    if (length > sizeof frame) return -1;
    for (size_t i = 0; i < length; i++) {
        unsigned int byte;
        if (sscanf(hex + 2 * i, "%2x", &byte) != 1) return -1;
        frame[i] = (unsigned char)byte;
    }
    struct sockaddr_ll address = {.sll_family = AF_PACKET, .sll_ifindex = (int)if_nametoindex("eth0")};
    return sendto(fd, frame, length, 0, (struct sockaddr *)&address, sizeof address) == (ssize_t)length ? 0 : -1;
}

int main(int count, char **arguments) {
    int fd = socket(AF_PACKET, SOCK_RAW, 0);
    for (int i = 1; i < count; i++) {
        if (fd < 0 || send_frame(fd, arguments[i]) != 0) {
            perror("frames");
            return 1;
        }
    }
    return 0;
}
