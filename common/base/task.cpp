#include "spillway/task.h"

#include <algorithm>

namespace spillway {
namespace {

constexpr std::size_t kMaxName = 64;
constexpr std::size_t kMaxPairs = 32;
constexpr std::size_t kMaxText = 256;
constexpr std::size_t kMaxAfter = 64;
constexpr auto kMaxSpan = std::chrono::milliseconds(366LL * 24 * 3600 * 1000);

Error bad(std::string message) { return fail(Code::invalid_argument, std::move(message)); }

bool is_name(std::string_view text) {
  return !text.empty() && text.size() <= kMaxName && text.front() != '.' && text.back() != '.' &&
         std::all_of(text.begin(), text.end(), [](char c) {
           return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_' || c == '.';
         });
}

Status check_pairs(const Labels& pairs, const char* field) {
  if (pairs.size() > kMaxPairs) return bad(std::string(field) + ": at most 32 entries");
  for (const auto& [key, value] : pairs) {
    if (key.empty() || key.size() > kMaxName || value.size() > kMaxText) {
      return bad(std::string(field) + "." + key.substr(0, kMaxName) +
                 ": names have 1 to 64 characters, values at most 256");
    }
  }
  return {};
}

Status check_span(std::optional<std::chrono::milliseconds> span, const char* field) {
  if (span && (span->count() <= 0 || *span > kMaxSpan)) {
    return bad(std::string(field) + ": must be from 1 ms to 366 days");
  }
  return {};
}

Status check_spans(const TaskSpec& spec) {
  const std::pair<std::optional<std::chrono::milliseconds>, const char*> spans[] = {
      {spec.deadline, "deadline"},
      {spec.not_before, "not_before"},
      {spec.run_timeout, "run_timeout"},
      {spec.queue_timeout, "queue_timeout"},
      {spec.idempotency_window, "idempotency_window"},
      {spec.retention, "retention"},
      {spec.retry.base, "retry.base"},
      {spec.retry.cap, "retry.cap"}};
  for (const auto& [span, field] : spans) {
    if (Status status = check_span(span, field); !status) return status;
  }
  return {};
}

Status check_texts(const TaskSpec& spec) {
  const std::pair<const std::string*, const char*> texts[] = {
      {&spec.idempotency_key, "idempotency_key"}, {&spec.tenant, "tenant"}, {&spec.trace, "trace"}};
  for (const auto& [text, field] : texts) {
    if (text->size() > kMaxText) return bad(std::string(field) + ": at most 256 bytes");
  }
  if (spec.needs.tags.size() > kMaxPairs) return bad("needs.tags: at most 32 tags");
  for (const std::string& tag : spec.needs.tags) {
    if (tag.empty() || tag.size() > kMaxName)
      return bad("needs.tags: a tag has 1 to 64 characters");
  }
  return {};
}

Status check_choices(const TaskSpec& spec) {
  if (spec.band > Band::background) return bad("band: must be 0 to 3");
  if (spec.prefer > Prefer::cloud) return bad("prefer: must be auto, local or cloud");
  if (spec.data > DataScope::edge_only) return bad("data: must be any or edge_only");
  if (spec.effects > Effects::once) return bad("effects: must be pure, idempotent or once");
  if (spec.on_disconnect > OnDisconnect::fail) {
    return bad("on_disconnect: must be run_local, wait or fail");
  }
  if (spec.data == DataScope::edge_only && spec.prefer == Prefer::cloud) {
    return bad("data: edge_only data cannot prefer the cloud");
  }
  if (spec.retry.max_attempts < 1 || spec.retry.max_attempts > 100) {
    return bad("retry.max_attempts: must be 1 to 100");
  }
  if (spec.needs.cpu < 1 || spec.needs.cpu > 1024) return bad("needs.cpu: must be 1 to 1024");
  if (spec.work && !(*spec.work > 0 && *spec.work < 1e18)) return bad("work: must be above 0");
  return {};
}

}  // namespace

Status validate(const TaskSpec& spec) {
  if (!is_name(spec.kind.name)) {
    return bad("kind: '" + spec.kind.name.substr(0, kMaxName) +
               "' is not a kind's name: 1 to 64 of a-z, 0-9, '_' and '.'");
  }
  if (spec.input.bytes.size() > kInlineLimit) {
    return bad("input: " + std::to_string(spec.input.bytes.size()) +
               " bytes are over the limit of " + std::to_string(kInlineLimit) +
               " for an input; split it into several tasks");
  }
  const int inputs = int(!spec.input.bytes.empty()) + int(spec.input.blob.has_value()) +
                     int(spec.input.result.has_value());
  if (inputs > 1) return bad("input: bytes, a blob or another task's value, one of these");
  if (spec.after.size() > kMaxAfter) return bad("after: at most 64 tasks");
  if (Status status = check_pairs(spec.args, "args"); !status) return status;
  if (Status status = check_pairs(spec.labels, "labels"); !status) return status;
  if (Status status = check_texts(spec); !status) return status;
  if (Status status = check_spans(spec); !status) return status;
  return check_choices(spec);
}

std::string_view to_string(Band band) {
  constexpr std::string_view kNames[] = {"urgent", "high", "normal", "background"};
  return kNames[static_cast<std::size_t>(band)];
}

std::string_view to_string(TaskState state) {
  constexpr std::string_view kNames[] = {"waiting",   "ready",  "leased",    "running",
                                         "succeeded", "failed", "cancelled", "expired"};
  return kNames[static_cast<std::size_t>(state)];
}

std::string_view to_string(WaitReason reason) {
  constexpr std::string_view kNames[] = {"none", "deps",  "not_before", "backoff",
                                         "held", "quota", "no_place"};
  return kNames[static_cast<std::size_t>(reason)];
}

std::string_view to_string(FailureClass failure) {
  constexpr std::string_view kNames[] = {"none",       "error",       "timeout", "crash",
                                         "lost",       "interrupted", "refused", "poison",
                                         "dependency", "disconnected"};
  return kNames[static_cast<std::size_t>(failure)];
}

}  // namespace spillway
