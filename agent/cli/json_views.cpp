#include "agent/cli/json_views.h"

#include "agent/cli/names.h"
#include "agent/cli/text.h"
#include "common/base/grants.h"

namespace spillway::cli {
namespace {

void write_optional(JsonWriter& json, std::string_view key, std::optional<Duration> span) {
  json.key(key);
  span ? json.value(*span) : json.null();
}

void write_pairs(JsonWriter& json, std::string_view key, const Labels& pairs) {
  json.key(key).begin_object();
  for (const auto& [name, text] : pairs) json.member(name, text);
  json.end_object();
}

template <class T>
void write_list(JsonWriter& json, std::string_view key, const T& items) {
  json.key(key).begin_array();
  for (const auto& item : items) json.value(item);
  json.end_array();
}

// `name` when the bytes are text, `name`_base64 when they are not, `name`_blob when elsewhere.
void write_payload(JsonWriter& json, const std::string& name, const Payload& payload) {
  if (payload.blob) {
    json.key(name + "_blob").begin_object();
    json.member("sha256", to_hex(payload.blob->sha256)).member("size", payload.blob->size);
    json.end_object();
  } else if (is_utf8(as_text(payload.bytes))) {
    json.member(name, as_text(payload.bytes));
  } else {
    json.member(name + "_base64", base64(payload.bytes));
  }
}

void write_retry(JsonWriter& json, const RetryPolicy& retry) {
  json.key("retry").begin_object();
  json.member("max_attempts", retry.max_attempts);
  json.member("base_s", Duration(retry.base)).member("cap_s", Duration(retry.cap));
  json.end_object();
}

void write_needs(JsonWriter& json, const Needs& needs) {
  json.key("needs").begin_object();
  json.member("cpu", needs.cpu).member("memory", needs.memory);
  write_list(json, "tags", needs.tags);
  json.end_object();
}

void write_spec(JsonWriter& json, const TaskSpec& spec) {
  json.begin_object().member("kind", to_string(spec.kind));
  write_pairs(json, "args", spec.args);
  if (spec.input.not_kept > 0) {
    json.member("input_not_kept", spec.input.not_kept);
  } else {
    write_payload(json, "input", spec.input);
  }
  json.member("key", spec.idempotency_key);
  json.member("key_window_s", Duration(spec.idempotency_window));
  json.member("band", to_string(spec.band));
  write_optional(json, "deadline_s", spec.deadline);
  write_optional(json, "not_before_s", spec.not_before);
  write_optional(json, "run_timeout_s", spec.run_timeout);
  write_optional(json, "queue_timeout_s", spec.queue_timeout);
  write_retry(json, spec.retry);
  write_needs(json, spec.needs);
  json.member("prefer", word_of(kPrefers, spec.prefer));
  json.member("data", word_of(kScopes, spec.data));
  json.member("effects", word_of(kEffects, spec.effects));
  json.key("work");
  spec.work ? json.value(*spec.work) : json.null();
  json.key("after").begin_array();
  for (TaskId id : spec.after) json.value(to_string(id));
  json.end_array().member("on_disconnect", word_of(kOnDisconnect, spec.on_disconnect));
  write_pairs(json, "labels", spec.labels);
  json.member("tenant", spec.tenant).member("trace", spec.trace);
  json.member("retention_s", Duration(spec.retention)).end_object();
}

void write_attempt(JsonWriter& json, const Attempt& attempt) {
  const AttemptTimes& times = attempt.times;
  json.begin_object()
      .member("epoch", attempt.epoch.value)
      .member("place", shown_place(attempt.place));
  json.member("failure", to_string(attempt.failure));
  const std::pair<const char*, NodeTime> instants[] = {{"queued", times.queued},
                                                       {"started", times.started},
                                                       {"input_fetched", times.input_fetched},
                                                       {"run_started", times.run_started},
                                                       {"run_ended", times.run_ended},
                                                       {"sent", times.sent},
                                                       {"accepted", times.accepted}};
  json.key("node_time_s").begin_object();
  for (const auto& [name, at] : instants) {
    json.key(name);
    at == NodeTime{} ? json.null() : json.value(at.time_since_epoch());
  }
  json.end_object().end_object();
}

void write_error(JsonWriter& json, const std::optional<TaskError>& error) {
  json.key("error");
  if (!error) {
    json.null();
    return;
  }
  json.begin_object().member("class", to_string(error->failure));
  json.member("code", to_string(error->code)).member("message", error->message);
  json.member("place", shown_place(error->place)).member("epoch", error->epoch.value).end_object();
}

void write_result(JsonWriter& json, const TaskResult& result) {
  json.begin_object().member("outcome", to_string(result.outcome));
  if (result.outcome == TaskState::succeeded) {
    write_payload(json, "value", result.value);
    json.member("sha256", to_hex(result.digest));
  }
  write_error(json, result.error);
  json.key("attempts").begin_array();
  for (const Attempt& attempt : result.attempts) write_attempt(json, attempt);
  json.end_array().key("cost").begin_object().member("cpu_s", result.cost.cpu);
  json.member("bytes_up", result.cost.bytes_up).member("bytes_down", result.cost.bytes_down);
  json.end_object().key("placement").begin_object();
  json.member("chosen", shown_place(result.placement.chosen));
  json.member("predicted_s", result.placement.predicted);
  json.member("actual_s", result.placement.actual).end_object().end_object();
}

void write_shown(JsonWriter& json, const TaskView& task) {
  if (task.spec) {
    json.key("spec");
    write_spec(json, *task.spec);
  }
  if (task.result) {
    json.key("result");
    write_result(json, *task.result);
  }
  if (!task.spec && !task.result) return;
  json.key("waits_for").begin_array();
  for (std::uint64_t seq : task.waits_for) json.value(to_string(TaskId{task.id.origin, seq}));
  json.end_array().key("events").begin_array();
  for (const EventView& event : task.events) write(json, event);
  json.end_array();
}

void write_candidate(JsonWriter& json, const Candidate& candidate) {
  json.begin_object().member("place", shown_place(candidate.place));
  json.member("eligible", candidate.eligible).member("reason", candidate.reason);
  json.member("wait_s", candidate.wait).member("transfer_s", candidate.transfer);
  json.member("run_s", candidate.run).member("pessimistic_s", candidate.pessimistic);
  json.member("score", candidate.score).end_object();
}

void write_explanation(JsonWriter& json, const Explanation& explanation) {
  json.begin_object().member("node_time_s", explanation.at.time_since_epoch());
  json.member("epoch", explanation.epoch.value).member("chosen", shown_place(explanation.chosen));
  json.member("dominant", explanation.dominant).key("candidates").begin_array();
  for (const Candidate& candidate : explanation.candidates) write_candidate(json, candidate);
  json.end_array().end_object();
}

}  // namespace

void write(JsonWriter& json, const TaskView& task) {
  json.begin_object().member("id", to_string(task.id)).member("kind", task.kind);
  if (!task.owner.empty()) json.member("owner", task.owner);
  json.member("tenant", task.tenant).member("state", to_string(task.state));
  json.member("reason", to_string(task.reason)).member("place", shown_place(task.place));
  json.member("band", to_string(task.band)).member("epoch", task.epoch.value);
  json.member("grants", grants_of(task.epoch));
  json.member("attempts", task.attempts).member("crashes", task.crashes);
  json.member("age_s", task.age).member("in_state_s", task.in_state);
  json.member("created", time_text(task.wall_created, 6));
  write_optional(json, "deadline_in_s", task.deadline_in);
  write_shown(json, task);
  json.end_object();
}

void write(JsonWriter& json, const EventView& event) {
  json.begin_object().member("id", to_string(event.id)).member("what", event.what);
  json.member("time", time_text(event.wall, 6)).member("node_time_s", event.at.time_since_epoch());
  json.member("epoch", event.epoch.value).member("place", shown_place(event.place));
  json.member("failure", to_string(event.failure)).member("detail", event.detail).end_object();
}

void write(JsonWriter& json, const WhyReport& report) {
  json.begin_object().key("task");
  write(json, report.task);
  json.member("dominant", report.dominant).member("next", report.next);
  write_optional(json, "next_in_s", report.next_in);
  json.key("explanation");
  write_explanation(json, report.explanation);
  json.member("lives", report.lives);
  json.end_object();
}

void write(JsonWriter& json, const PlaceView& place) {
  json.begin_object().member("place", shown_place(place.place)).member("name", place.name);
  json.member("reachable", place.reachable).member("state", place.state);
  json.member("workers", place.workers).member("memory", place.memory);
  json.member("running", place.running).member("credits", place.credits);
  json.member("queue_delay_s", place.queue_delay).member("rtt_s", place.rtt);
  json.member("bandwidth_up", place.bandwidth_up);
  write_list(json, "tags", place.tags);
  write_list(json, "kinds", place.kinds);
  json.end_object();
}

void write(JsonWriter& json, const NodeView& node) {
  json.begin_object().member("device", node.device).member("version", node.version);
  std::string origin = to_string(TaskId{node.origin, 0});
  json.member("origin", origin.substr(0, 16)).member("uptime_s", node.uptime);
  json.member("draining", node.draining).member("link_up", node.link_up);
  json.member("store_problem", node.store_problem).member("accepted", node.accepted);
  json.key("by_state").begin_object();
  for (std::size_t i = 0; i < std::size(node.by_state); ++i) {
    json.member(to_string(static_cast<TaskState>(i)), node.by_state[i]);
  }
  json.end_object().member("done_local", node.done_local).member("done_cloud", node.done_cloud);
  json.member("in_cloud", node.in_cloud).member("buffered", node.buffered);
  json.member("duplicates", node.duplicates).member("refused_messages", node.refused_messages);
  json.member("bytes_up", node.bytes_up).member("bytes_down", node.bytes_down);
  json.key("places").begin_array();
  for (const PlaceView& place : node.places) write(json, place);
  json.end_array();
  write_list(json, "shortages", node.shortages);
  json.member("disk_bytes", node.disk_bytes).member("disk_budget", node.disk_budget);
  json.key("produced").begin_object();
  for (std::size_t i = 0; i < kDataClasses; ++i) {
    json.member(to_string(static_cast<DataClass>(i)), node.produced[i]);
  }
  json.end_object().key("losses").begin_array();
  for (const LossView& loss : node.losses) write(json, loss);
  json.end_array().member("clock_problem", node.clock_problem);
  json.member("life_problem", node.life_problem).end_object();
}

void write(JsonWriter& json, const LossView& loss) {
  json.begin_object().member("class", to_string(loss.data)).member("cause", to_string(loss.cause));
  json.member("first", time_text(loss.first, 0)).member("last", time_text(loss.last, 0));
  json.member("count", loss.count).member("at_least", loss.at_least);
  json.member("reported", loss.reported).end_object();
}

}  // namespace spillway::cli
