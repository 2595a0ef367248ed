#include "later.h"

#include <errno.h>
#include <stdatomic.h>
#include <string.h>

#include "freezing.h"
#include "restoring.h"

static struct {
    struct client *client;
    bool armed;
    enum occasion occasion;
    enum delta delta;
    char mark[MARK_MAX];
    char path[LINE_MAX_BYTES];
} later;

/// What every file that is opened is compared with, without a lock.
static atomic_bool watching;

bool later_is_armed(void) { return atomic_load(&watching); }

const struct client *later_client(void) { return later.client; }

static void reset(void) {
    memset(&later, 0, sizeof later);
    atomic_store(&watching, false);
}

void later_forget(const struct client *client) {
    if (later.client == client) reset();
}

void later_name(struct client *client, const char *path) {
    if (later.client) {
        client_refuse(client, EBUSY, "at");
        return;
    }
    later.client = client;
    strcpy(later.path, path);
    client_answer_word(client, "at");
}

static void arm(void) {
    later.armed = true;
    atomic_store(&watching, true);
}

void later_arm_freeze(struct freeze_request request) {
    later.occasion = OCCASION_FREEZE;
    later.delta = request.delta;
    if (request.mark) memcpy(later.mark, request.mark, strlen(request.mark) + 1);
    arm();
}

void later_arm(struct client *client, enum occasion occasion, const char *name, const char *path) {
    int error = restoring_obstacle(client, occasion == OCCASION_REWIND);
    if (!error && later.client) error = EBUSY;
    if (error) {
        client_refuse(client, error, name);
        return;
    }
    later.client = client;
    later.occasion = occasion;
    strcpy(later.path, path);
    arm();
    client_answer_word(client, name);
}

enum control_opening later_do(const char *path) {
    if (!later.armed || strcmp(later.path, path) != 0) return CONTROL_PASS;
    struct client *client = later.client;
    enum occasion occasion = later.occasion;
    struct freeze_request request = {.delta = later.delta};
    char mark[MARK_MAX];
    memcpy(mark, later.mark, sizeof mark);
    request.mark = mark;
    reset();
    switch (occasion) {
    case OCCASION_TAKE_BACK: restoring_take_back(client); return CONTROL_FAIL;
    case OCCASION_REWIND: return restoring_rewind(client) ? CONTROL_REWOUND : CONTROL_FAIL;
    case OCCASION_FREEZE: break;
    }
    freezing_freeze(client, request);
    return CONTROL_PASS;
}
