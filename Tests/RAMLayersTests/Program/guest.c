// Checks tracking.h with a guest of KVM: what its processor writes must be told as what a thread writes. The guest is one
// instruction in real mode, run again for every access, so that it runs where /dev/kvm has no system to run, too.
//
//   guest SEED     0: every write was told; 77: there is no KVM here, or nothing to track with
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <linux/kvm.h>

#include "../../../Sources/RAMLayers/bitmap.h"
#include "../../../Sources/RAMLayers/ram.h"
#include "../../../Sources/RAMLayers/tracking.h"

enum { BYTES = 1 << 20, PAGES = BYTES / PAGE_BYTES, CODE = 0x1000, FIRST_PAGE = 2, ROUNDS = 300, SKIPPED = 77 };

static int vcpu;
static struct kvm_run *run;
static uint64_t state;

static unsigned next_random(unsigned limit) {
    state = state * 6364136223846793005u + 1442695040888963407u;
    return (unsigned)(state >> 33) % limit;
}

static int start_guest(void) {
    int kvm = open("/dev/kvm", O_RDWR | O_CLOEXEC);
    int vm = kvm < 0 ? -1 : ioctl(kvm, KVM_CREATE_VM, 0);
    struct kvm_userspace_memory_region memory = {
        .guest_phys_addr = 0, .memory_size = BYTES, .userspace_addr = (uint64_t)guest_ram.base};
    if (vm < 0 || ioctl(vm, KVM_SET_USER_MEMORY_REGION, &memory) != 0) return -1;
    vcpu = ioctl(vm, KVM_CREATE_VCPU, 0);
    int bytes = ioctl(kvm, KVM_GET_VCPU_MMAP_SIZE, 0);
    run = mmap(NULL, (size_t)bytes, PROT_READ | PROT_WRITE, MAP_SHARED, vcpu, 0);
    return vcpu < 0 || run == MAP_FAILED ? -1 : 0;
}

/// Has the guest write a byte to a page, or read one from it.
static int access_page(unsigned page, bool writes, uint8_t byte) {
    // mov [es:di], bl; hlt, or mov bl, [es:di]; hlt
    const uint8_t code[] = {0x26, writes ? 0x88 : 0x8a, 0x1d, 0xf4};
    struct kvm_sregs segments;
    struct kvm_regs registers = {.rip = CODE + (writes ? 0 : 16), .rflags = 2, .rdi = next_random(PAGE_BYTES), .rbx = byte};
    if (memcmp(guest_ram.base + registers.rip, code, sizeof code) != 0) memcpy(guest_ram.base + registers.rip, code, sizeof code);
    if (ioctl(vcpu, KVM_GET_SREGS, &segments) != 0) return -1;
    segments.cs.base = segments.cs.selector = 0;
    segments.es.base = page * PAGE_BYTES;
    segments.es.selector = (uint16_t)(segments.es.base >> 4);
    if (ioctl(vcpu, KVM_SET_SREGS, &segments) != 0 || ioctl(vcpu, KVM_SET_REGS, &registers) != 0) return -1;
    if (ioctl(vcpu, KVM_RUN, 0) != 0 || run->exit_reason != KVM_EXIT_HLT) return -1;
    return !writes || (uint8_t)guest_ram.base[page * PAGE_BYTES + registers.rdi] == byte ? 0 : -1;
}

int main(int count, char **arguments) {
    state = count > 1 ? strtoull(arguments[1], NULL, 10) : 1;
    // Half of it lies over a file, as memory layers do.
    char *base = mmap(NULL, BYTES, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    FILE *layer = tmpfile();
    if (base == MAP_FAILED || !layer || ftruncate(fileno(layer), BYTES) != 0) return 1;
    mmap(base + BYTES / 2, BYTES / 2, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_FIXED, fileno(layer), BYTES / 2);
    madvise(base, BYTES, MADV_NOHUGEPAGE);
    if (!ram_adopt(base, BYTES)) return 1;
    if (start_guest() != 0 || access_page(FIRST_PAGE, true, 1) != 0 || access_page(FIRST_PAGE, false, 1) != 0) return SKIPPED;
    if (!tracking_start()) return SKIPPED;
    uint64_t told[PAGES / 64];
    for (int round = 0; round < ROUNDS; round++) {
        uint64_t written[PAGES / 64] = {0};
        for (unsigned accesses = next_random(60); accesses > 0; accesses--) {
            unsigned page = FIRST_PAGE + next_random(PAGES - FIRST_PAGE);
            bool writes = next_random(2);
            if (access_page(page, writes, (uint8_t)next_random(256)) != 0) return 2;
            if (writes) bitmap_set(written, page);
        }
        size_t pages = 0;
        memset(told, 0, sizeof told);
        if (tracking_collect(told, &pages) != 0 || tracking_drop_read(told) != 0) return 3;
        for (unsigned page = FIRST_PAGE; page < PAGES; page++) {
            bool is_told = bitmap_get(told, page), was_written = bitmap_get(written, page);
            if (was_written && !is_told) return fprintf(stderr, "round %d: page %u is not told\n", round, page), 4;
            // Zero pages of a mere read are told once; a page that has been written to before is not told of a read.
            if (is_told && !was_written && !ram_page_is_zero(page))
                return fprintf(stderr, "round %d: page %u was not written\n", round, page), 5;
        }
    }
    return 0;
}
