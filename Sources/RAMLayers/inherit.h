// What a frozen copy inherits: guest RAM, and the little that it runs on.
//
// Every other page of QEMU's would be copied when either side writes to it next, the device models' and the emulator's
// within the pause: a copy costs 6 µs where these lines were measured, on a virtual machine itself.
#pragma once

/// Notes what the thread that it is called on needs in a copy that it makes.
void inherit_thread(void);

/// Leaves what a copy does not need out of every fork to come. To be called before each: QEMU may have mapped more.
/// When it cannot be told apart, copies inherit all.
void inherit_little(void);
