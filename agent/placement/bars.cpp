#include <algorithm>

#include "agent/placement/assess.h"
#include "common/base/kind_ref.h"

namespace spillway::placement {

std::uint64_t bytes_of(const TaskSpec& spec) {
  constexpr std::size_t kFixed = 512, kEach = 24;
  std::uint64_t bytes = kFixed + spec.kind.name.size() + spec.input.bytes.size() +
                        spec.idempotency_key.size() + spec.tenant.size() + spec.trace.size() +
                        spec.after.size() * kEach;
  for (const Labels* labels : {&spec.args, &spec.labels}) {
    for (const auto& [name, value] : *labels) bytes += name.size() + value.size() + kEach;
  }
  for (const std::string& tag : spec.needs.tags) bytes += tag.size() + kEach;
  return bytes;
}

Bar capability(const TaskSpec& spec, const Place& place) {
  if (place.id == kNowhere) return Bar::unconfigured;
  if (!place.reachable && place.kinds.empty()) return Bar::none;
  if (!has_kind(place.kinds, spec.kind)) return Bar::kind;
  if (spec.needs.cpu > place.workers) return Bar::cores;
  if (spec.needs.memory > place.memory) return Bar::memory;
  const auto carries = [&](const std::string& tag) {
    return std::find(place.tags.begin(), place.tags.end(), tag) != place.tags.end();
  };
  if (!std::all_of(spec.needs.tags.begin(), spec.needs.tags.end(), carries)) return Bar::tag;
  return bytes_of(spec) > place.largest ? Bar::size : Bar::none;
}

Bar cloud_bar_ever(const TaskSpec& spec, const Place& cloud) {
  if (spec.data == DataScope::edge_only) return Bar::edge_only;
  if (spec.prefer == Prefer::local) return Bar::prefer_local;
  return capability(spec, cloud);
}

Bar cloud_bar(const TaskSpec& spec, const Place& cloud) {
  const Bar ever = cloud_bar_ever(spec, cloud);
  return ever == Bar::none && !cloud.reachable ? Bar::unreachable : ever;
}

Bar local_bar(const TaskSpec& spec, const Place& local, const Place& cloud,
              Duration credit_patience) {
  const Bar able = capability(spec, local);
  if (able != Bar::none) return able;
  if (!local.reachable) return Bar::unreachable;
  // Wishes about the cloud bind only tasks that could run there.
  if (cloud_bar_ever(spec, cloud) != Bar::none) return Bar::none;
  const bool falls_back = spec.on_disconnect == OnDisconnect::run_local;
  if (!cloud.reachable) return falls_back ? Bar::none : Bar::waits_for_link;
  if (spec.prefer != Prefer::cloud) return Bar::none;
  return falls_back && cloud.starved >= credit_patience ? Bar::none : Bar::prefer_cloud;
}

}  // namespace spillway::placement
