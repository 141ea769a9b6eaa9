#include "common/kinds/builtin.h"

#include <cassert>

namespace spillway::kinds {

void add_builtin_kinds(KindRegistry& registry) {
  for (auto make : {echo_kind, spin_kind, hash_sha256_kind, stats_window_kind, signal_spectrum_kind,
                    anomaly_score_kind}) {
    Kind kind = make();
    kind.builtin = true;
    Status added = registry.add(kind);
    assert(added);
    static_cast<void>(added);
  }
}

}  // namespace spillway::kinds
