#define _GNU_SOURCE
#include "translation.h"

#include <dlfcn.h>
#include <elf.h>
#include <link.h>
#include <stdatomic.h>
#include <stdint.h>

#include "ram.h"

/// Of `struct TBContext` (QEMU 5.2 to 7.2, accel/tcg/tb-context.h): a hash table, then the number of flushes, on which a
/// flush that was put off depends: it does not happen when there was another meanwhile.
enum { CONTEXT_BYTES = 0x50, FLUSH_COUNT = 0x48 };

static struct {
    void (*reset)(int cause);
    bool (*register_yank)(const void *instance, void *error);
    void (*invalidate)(uint64_t start, uint64_t end);
    uint64_t (*ram_address)(void *host);
    _Atomic unsigned *flush_count;
    uint64_t ram;
} qemu;

static char *find_context(void) {
    char *context = dlsym(RTLD_DEFAULT, "tb_ctx");
    Dl_info info;
    const ElfW(Sym) *symbol = NULL;
    if (!context || !dladdr1(context, &info, (void **)&symbol, RTLD_DL_SYMENT)) return NULL;
    return symbol && symbol->st_size == CONTEXT_BYTES ? context : NULL;
}

bool translation_watch(void) {
    char *context = find_context();
    *(void **)&qemu.reset = dlsym(RTLD_DEFAULT, "qemu_system_reset");
    *(void **)&qemu.register_yank = dlsym(RTLD_DEFAULT, "yank_register_instance");
    *(void **)&qemu.invalidate = dlsym(RTLD_DEFAULT, "tb_invalidate_phys_range");
    *(void **)&qemu.ram_address = dlsym(RTLD_DEFAULT, "qemu_ram_addr_from_host_nofail");
    if (!context || !qemu.reset || !qemu.register_yank || !qemu.invalidate || !qemu.ram_address) return false;
    qemu.flush_count = (_Atomic unsigned *)(context + FLUSH_COUNT);
    return atomic_load(qemu.flush_count) == 0;
}

bool translation_is_understood(void) { return qemu.flush_count && atomic_load(qemu.flush_count) == 1; }

void translation_reset_machine(void) {
    enum { SHUTDOWN_CAUSE_NONE };
    qemu.reset(SHUTDOWN_CAUSE_NONE);
    qemu.ram = qemu.ram_address(guest_ram.base);
}

void translation_expect_load(void) {
    // `YANK_INSTANCE_TYPE_MIGRATION`. The end of a load takes back what the start of the machine's first had registered, and
    // QEMU asserts that it is there; only `loadvm` sees to it.
    const struct {
        int type;
        void *name;
    } migration = {.type = 2};
    qemu.register_yank(&migration, NULL);
}

void translation_drop(size_t first_page, size_t pages) {
    uint64_t start = qemu.ram + first_page * PAGE_BYTES;
    qemu.invalidate(start, start + pages * PAGE_BYTES);
}

void translation_cancel_flush(void) { atomic_fetch_add(qemu.flush_count, 1); }
