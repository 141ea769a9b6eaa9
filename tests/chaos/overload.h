#pragma once

#include "tests/chaos/chaos.h"

namespace spillway::chaos {

// Offers one device ten times of what device and cloud can do, with a small budget and a link that
// comes and goes, watches its files and memory all the time, and holds both loss ledgers against
// what the client saw (P20, P21, P23). Of the options: folder, binaries, lasts, seed, patience,
// progress.
TortureReport run_overload(const ChaosOptions& options);

}  // namespace spillway::chaos
