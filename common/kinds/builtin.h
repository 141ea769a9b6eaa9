#pragma once

#include "common/kinds/registry.h"

namespace spillway::kinds {

// Adds the kinds every node has. All are pure and deterministic: the same input and args give the
// same bytes on every CPU and with every number of threads. But for echo, values are compact JSON;
// numbers carry 9 significant digits. An unknown arg or a bad value is `invalid_argument`. Call
// once, on a registry that holds none of their names.
void add_builtin_kinds(KindRegistry& registry);

Kind echo_kind();
Kind spin_kind();
Kind hash_sha256_kind();
Kind stats_window_kind();
Kind signal_spectrum_kind();
Kind anomaly_score_kind();

}  // namespace spillway::kinds
