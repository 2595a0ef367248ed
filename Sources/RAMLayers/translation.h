// What QEMU has translated of the guest's code, under emulation: kept while guest RAM changes underneath.
//
// QEMU keeps translations by the RAM page that the code lies in, and drops those of a page that the guest, a device or a
// debugger writes to. After device state was loaded it drops all of them, because RAM may have become another unseen. Here
// it is known which pages did. Both is done through functions that QEMU exports to its modules, and one counter of which the
// place is not part of any interface: it is looked at first, and nothing is kept where it does not count as expected.
#pragma once

#include <stdbool.h>
#include <stddef.h>

/// Notes the process as it is before its first state is loaded. Returns whether translations can be kept in this QEMU.
bool translation_watch(void);

/// Whether the counter has counted the flush that ended the loading of the first state.
bool translation_is_understood(void);

/// Makes the machine one that device state can be loaded into once more: devices are reset, because what a state does not
/// mention must have its first value. In QEMU's main loop, with the machine stopped.
void translation_reset_machine(void);

/// Prepares the loading of another state, which follows at once. In QEMU's main loop.
void translation_expect_load(void);

/// Drops what was translated from these pages of guest RAM. In QEMU's main loop, with the machine stopped.
void translation_drop(size_t first_page, size_t pages);

/// Has the flush that QEMU has put off until its processors run not happen. In QEMU's main loop, which asked for it and has
/// not let go of its lock since.
void translation_cancel_flush(void);
