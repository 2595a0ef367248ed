#pragma once

/// Has memory ready that a machine needs as soon as it runs: a process that waits has the time, a restored one has not.
void interpose_warm_up(void);
