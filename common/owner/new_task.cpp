#include "common/owner/new_task.h"

#include <utility>

namespace spillway::owner {

store::NewTask new_task(const TaskSpec& spec, sqlite::EncodedBytes encoded, std::uint32_t deps,
                        NodeTime now) {
  store::NewTask task;
  task.row.band = spec.band;
  task.row.created = now;
  task.row.task = lifecycle::first_state(spec, deps, now);
  task.row.spec = std::move(encoded);
  task.kind = spec.kind.name;
  task.tenant = spec.tenant;
  return task;
}

void name_by(store::NewTask& row, const TaskSpec& spec, std::string key, const Digest& stands_for) {
  row.idempotency_key = std::move(key);
  row.idempotency_until = row.row.created + spec.idempotency_window;
  row.wish = stands_for;
}

}  // namespace spillway::owner
