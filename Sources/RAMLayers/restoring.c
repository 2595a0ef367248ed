#include "restoring.h"

#include <errno.h>
#include <stddef.h>
#include <unistd.h>

#include "freeze.h"
#include "interpose.h"
#include "layers.h"
#include "ram.h"
#include "rehearsal.h"
#include "translation.h"

/// Whose layers are being collected.
static struct client *layers_from;
static struct client *leash;

struct client *restoring_leash(void) { return leash; }

void restoring_forget(const struct client *client) {
    // Nobody else knows of a process that waits.
    if (leash == client) _exit(0);
    if (layers_from != client) return;
    layers_from = NULL;
    layers_clear();
}

void restoring_add_layer(struct client *client, const char *path) {
    if (layers_from && layers_from != client) {
        client_refuse(client, EBUSY, "layer");
        return;
    }
    layers_from = client;
    int error = layers_add(path);
    if (error) client_refuse(client, error, "layer");
    else client_answer_word(client, "layer");
}

static void answer_mapped(struct client *client, const char *word) {
    struct text text = {.length = 0};
    text_add(&text, word);
    text_add(&text, " ");
    text_add_number(&text, guest_ram.mappings);
    client_answer(client, &text);
}

void restoring_map(struct client *client) {
    bool fits = !guest_ram.layers_mapped && !guest_ram.broken && !freeze_happened();
    int error = fits ? layers_map() : EALREADY;
    if (error) {
        client_refuse(client, error, "map");
        return;
    }
    leash = NULL;
    answer_mapped(client, "mapped");
}

void restoring_rehearse(struct client *client) {
    bool fits = leash == client && !guest_ram.layers_mapped && !guest_ram.broken;
    int error = fits ? rehearsal_start() : EALREADY;
    if (error) {
        client_refuse(client, error, "rehearse");
        return;
    }
    layers_from = NULL;
    answer_mapped(client, "rehearsing");
}

void restoring_map_ahead(struct client *client) {
    int error = restoring_obstacle(client, true);
    if (!error) error = rehearsal_map_ahead();
    if (error) {
        client_refuse(client, error, "map-ahead");
        return;
    }
    layers_from = NULL;
    answer_mapped(client, "mapped-ahead");
}

void restoring_take_leash(struct client *client) {
    if (leash || guest_ram.layers_mapped || freeze_happened()) {
        client_refuse(client, EALREADY, "leash");
        return;
    }
    leash = client;
    interpose_warm_up();
    client_answer_word(client, "leash");
}

int restoring_obstacle(const struct client *client, bool is_rewind) {
    bool fits = is_rewind ? rehearsal_is_over() : rehearsal_is_under_way();
    if (leash != client || !fits || freeze_happened()) return EALREADY;
    return translation_is_understood() ? 0 : ENOTSUP;
}

static void answer_changed(struct client *client, const char *word, size_t changed_pages) {
    struct text text = {.length = 0};
    text_add(&text, word);
    text_add(&text, " ");
    text_add_number(&text, guest_ram.mappings);
    text_add(&text, " ");
    text_add_number(&text, changed_pages);
    client_answer(client, &text);
}

void restoring_take_back(struct client *client) {
    size_t changed_pages = 0;
    int error = rehearsal_take_back(&changed_pages);
    layers_from = NULL;
    if (error) client_refuse(client, error, "take-back");
    else answer_changed(client, "taken-back", changed_pages);
}

bool restoring_rewind(struct client *client) {
    size_t changed_pages = 0;
    int error = rehearsal_end(&changed_pages);
    layers_from = NULL;
    if (error) {
        client_refuse(client, error, "rewind");
        return false;
    }
    leash = NULL;
    answer_changed(client, "rewound", changed_pages);
    return true;
}
