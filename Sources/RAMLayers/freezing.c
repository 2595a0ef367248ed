#include "freezing.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "inherit.h"
#include "later.h"
#include "precopy.h"
#include "ram.h"

/// The layer that is written ahead of its freeze.
static struct {
    /// NULL when there is none.
    struct client *client;
    bool frozen;
    bool complete;
    enum delta delta;
    char path[LINE_MAX_BYTES];
} ahead;

void freezing_forget(const struct client *client) {
    if (ahead.client != client) return;
    ahead.client = NULL;
    precopy_abandon();
}

void freezing_name_layer(struct client *client, const char *path) {
    int error = ahead.client || freeze_pending() ? EBUSY : guest_ram.broken ? EIO : precopy_is_possible() ? 0 : ENOTSUP;
    if (error) {
        client_refuse(client, error, "ahead");
        return;
    }
    ahead.client = client;
    ahead.frozen = ahead.complete = false;
    strcpy(ahead.path, path);
    client_answer_word(client, "ahead");
}

static bool parse_freeze(char *argument, struct freeze_request *request) {
    char *mark = line_argument(argument, "since");
    if (mark && *mark && strlen(mark) < MARK_MAX) {
        *request = (struct freeze_request){.delta = DELTA_SINCE_MARK, .mark = mark};
    } else if (strcmp(argument, "everything") == 0) {
        *request = (struct freeze_request){.delta = DELTA_EVERYTHING};
    } else if (strcmp(argument, "since-start") == 0) {
        *request = (struct freeze_request){.delta = DELTA_SINCE_START};
    } else if (strcmp(argument, "since-first") == 0) {
        *request = (struct freeze_request){.delta = DELTA_SINCE_FIRST};
    } else {
        return false;
    }
    return true;
}

/// Writes the layer as far as it goes while the machine runs. False when that failed and the client knows.
static bool write_ahead(struct client *client, struct freeze_request request, struct text *done) {
    if (request.delta == DELTA_SINCE_MARK && !freeze_mark_is_tracked()) {
        // A copy finds out with the holder of the mark.
        ahead.client = NULL;
        return true;
    }
    uint64_t start = monotonic_microseconds();
    struct precopy_report report = {0, 0};
    const char *what;
    ahead.delta = request.delta;
    int error = precopy_run(ahead.path, request.delta, client_is_there, client, &report, &what);
    if (error) {
        ahead.client = NULL;
        client_refuse(client, error, what);
        return false;
    }
    text_add(done, " ");
    text_add_number(done, report.pages);
    text_add(done, " ");
    text_add_number(done, report.passes);
    text_add(done, " ");
    text_add_number(done, monotonic_microseconds() - start);
    return true;
}

/// What can be seen of a freeze before anything is done about it.
static int obstacle(const struct client *client, struct freeze_request request) {
    if (guest_ram.broken) return EIO;
    if (freeze_pending() || (ahead.client && (ahead.client != client || ahead.frozen))) return EBUSY;
    bool fits = request.delta != DELTA_SINCE_MARK || (*freeze_mark() && strcmp(request.mark, freeze_mark()) == 0);
    return fits ? 0 : ESTALE;
}

void freezing_request(struct client *client, char *argument) {
    struct freeze_request request;
    int error = parse_freeze(argument, &request) ? obstacle(client, request) : EINVAL;
    if (error) {
        client_refuse(client, error, "freeze");
        return;
    }
    // Not behind what is written ahead: the guest writes on meanwhile, and the pause has the more to set aside.
    inherit_little();
    struct text text = {.length = 0};
    text_add(&text, "armed");
    if (ahead.client == client && !write_ahead(client, request, &text)) return;
    if (later_client() == client) {
        later_arm_freeze(request);
        client_answer(client, &text);
    } else {
        freezing_freeze(client, request);
    }
}

static void answer_frozen(struct client *client, pid_t copy, uint64_t start) {
    struct text text = {.length = 0};
    text_add(&text, "frozen ");
    text_add_number(&text, (uint64_t)copy);
    text_add(&text, " ");
    text_add_number(&text, monotonic_microseconds() - start);
    // When nobody hears it, the end of the connection says so to whoever serves it now.
    text_send(&text, client->fd);
}

void freezing_freeze(struct client *client, struct freeze_request request) {
    uint64_t start = monotonic_microseconds();
    int error = ahead.client == client ? precopy_freeze() : E2BIG;
    if (!error) {
        ahead.frozen = true;
        answer_frozen(client, 0, start);
        return;
    }
    pid_t copy = 0;
    if (error == E2BIG) error = freeze_start(request, client->fd, &copy);
    if (error) {
        freezing_forget(client);
        client_refuse(client, error, "freeze");
        return;
    }
    if (ahead.client == client) ahead.client = NULL;
    answer_frozen(client, copy, start);
    client_end(client);
}

static void complete_layer(struct client *client) {
    uint64_t start = monotonic_microseconds();
    struct layer_size size = {0, 0};
    const char *what;
    int error = precopy_finish(&size, &what);
    if (error) {
        client_refuse(client, error, what);
        client_end(client);
        return;
    }
    ahead.complete = true;
    struct text text = {.length = 0};
    layer_describe(size, monotonic_microseconds() - start, &text);
    client_answer(client, &text);
}

static void keep(struct client *client, const char *mark) {
    ahead.client = NULL;
    freeze_keep(ahead.delta, mark);
    // A courtesy: the client may be gone.
    struct text text = {.length = 0};
    text_add(&text, "kept");
    text_send(&text, client->fd);
    client_end(client);
}

bool freezing_obey(struct client *client, char *line) {
    if (ahead.client != client || !ahead.frozen) return false;
    char *argument;
    if ((argument = line_argument(line, "copy")) && strcmp(argument, ahead.path) == 0 && !ahead.complete) {
        complete_layer(client);
    } else if ((argument = line_argument(line, "keep")) && *argument && strlen(argument) < MARK_MAX && ahead.complete) {
        keep(client, argument);
    } else if (line_argument(line, "abandon")) {
        client_end(client);
    } else {
        return false;
    }
    return true;
}
