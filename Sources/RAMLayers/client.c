#define _GNU_SOURCE
#include "client.h"

#include <poll.h>

void client_answer(struct client *client, struct text *text) {
    if (!text_send(text, client->fd)) client_end(client);
}

void client_answer_word(struct client *client, const char *word) {
    struct text text = {.length = 0};
    text_add(&text, word);
    client_answer(client, &text);
}

void client_refuse(struct client *client, int error, const char *what) {
    if (!text_send_error(client->fd, error, what)) client_end(client);
}

bool client_is_there(void *client) {
    struct pollfd wait = {.fd = ((struct client *)client)->fd, .events = POLLRDHUP};
    return poll(&wait, 1, 0) <= 0;
}
