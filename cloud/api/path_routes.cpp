#include <boost/json.hpp>

#include "cloud/api/dispatched_path.h"
#include "cloud/api/otlp.h"
#include "cloud/api/routes.h"
#include "cloud/api/service.h"
#include "cloud/api/views_json.h"
#include "cloud/fleet/task_path.h"
#include "common/wire/codec.h"
#include "spillway/version.h"

namespace spillway::cloud::api {
namespace {

constexpr char kHost[] = "cloud";

double seconds(Duration time) { return std::chrono::duration<double>(time).count(); }

// What is known of a task once its device was asked, on the loop.
struct Known {
  TaskId id;
  std::optional<OffloadedTask> seen;
  std::optional<ToldStory> told;
  std::string missing;                             // why the device did not answer; empty: it did
  std::optional<DispatchedTaskDetail> dispatched;  // the cloud's own, of which nobody was asked

  std::string device() const {
    if (dispatched) return dispatched->task.device;
    return seen ? seen->device : told->device;
  }
  TaskPath path() const {
    return dispatched ? path_of(*dispatched, kHost) : path_of(seen, told ? &*told : nullptr, kHost);
  }
};

Result<Known> known_of(const Fleet& fleet, TaskId id, const Result<std::string>& asked) {
  Known known{id, fleet.task(id), std::nullopt, asked ? "" : asked.error().message, std::nullopt};
  if (const ToldStory* told = fleet.story(id)) known.told = *told;
  if (known.seen || known.told) return known;
  return fail(Code::not_found,
              "the cloud knows nothing of task " + to_string(id) + ": it keeps the newest");
}

// Where a task's device does not tell, the cloud shows what it has seen itself.
void with_known(Service& service, TaskId id, const Answer& answer,
                std::function<Response(const Known&)> show) {
  service.bridge().wait<Known>(
      answer,
      [&service, id](Fleet& fleet, Fleet::Done<Known> done) {
        Dispatch* dispatch = service.parts().dispatch;
        if (dispatch && dispatch->owns(id)) {
          return dispatch->find(id, [id, done](const Result<DispatchedTaskDetail>& found) {
            if (!found) return done(found.error());
            done(Known{id, std::nullopt, std::nullopt, "", *found});
          });
        }
        auto told = [&fleet, dispatch, id,
                     done = std::move(done)](const Result<std::string>& asked) {
          Result<Known> known = known_of(fleet, id, asked);
          if (known || !dispatch) return done(std::move(known));
          // The task may be one of the cloud's own, that went with a damaged store.
          dispatch->find(
              id, [done, error = known.error()](const Result<DispatchedTaskDetail>& found) mutable {
                if (!found) error.message += "; " + found.error().message;
                done(std::move(error));
              });
        };
        if (!service.parts().ask_story) return told(std::string());
        service.parts().ask_story(id, told);
      },
      std::move(show));
}

json::value json_of(const PathSpan& span, Wall began) {
  constexpr std::string_view kParts[] = {"task", "queued", "run", "answer", "attempt"};
  return json::object{
      {"name", kParts[std::size_t(span.part)]},
      {"lane", to_string(span.lane)},
      {"host", span.host},
      {"from_s", seconds(span.from - began)},
      {"to_s", span.to ? json::value(seconds(*span.to - began)) : json::value(nullptr)},
      {"epoch", span.epoch.value},
      {"ghost", span.ghost},
      {"note", span.note}};
}

json::value trace_of(const TaskPath& path, const std::string& missing) {
  json::array spans;
  for (const PathSpan& span : path.spans) spans.push_back(json_of(span, path.began));
  return json::object{{"task", to_string(path.id)},
                      {"trace", path.trace.trace_id},
                      {"began", time_or_null(path.began)},
                      {"skew_s", seconds(path.skew)},
                      {"missing", missing},
                      {"spans", std::move(spans)}};
}

constexpr std::string_view kFormats[] = {"spans", "otlp"};

std::optional<bool> is_otlp(std::string_view format) {
  if (format == kFormats[0]) return false;
  return format == kFormats[1] ? std::optional(true) : std::nullopt;
}

void trace(Service& service, const Call& call, const Answer& answer) {
  QueryReader query(call.query);
  const bool otlp = query.word("format", is_otlp, kFormats).value_or(false);
  if (Status read = query.finish(); !read) return answer(problem(read.error()));
  Result<TaskId> id = parse_task_id(call.at("task"));
  if (!id) return answer(problem(id.error()));
  with_known(service, *id, answer, [otlp](const Known& known) {
    const TaskPath path = known.path();
    return json_response(otlp ? otlp_of(path, kVersion) : trace_of(path, known.missing));
  });
}

json::value json_of(const Candidate& candidate) {
  return json::object{{"place", shown_place(candidate.place)},
                      {"eligible", candidate.eligible},
                      {"reason", candidate.reason},
                      {"wait_s", seconds(candidate.wait)},
                      {"transfer_s", seconds(candidate.transfer)},
                      {"run_s", seconds(candidate.run)},
                      {"slow_s", seconds(candidate.pessimistic)},
                      {"score_s", candidate.score}};
}

json::value json_of(const Explanation& explanation) {
  json::array candidates;
  for (const Candidate& candidate : explanation.candidates) {
    candidates.push_back(json_of(candidate));
  }
  return json::object{{"epoch", explanation.epoch.value},
                      {"chosen", shown_place(explanation.chosen)},
                      {"dominant", explanation.dominant},
                      {"candidates", std::move(candidates)}};
}

// Nothing was weighed for a task that was submitted to a device, so that there are no figures; once
// it is over, there is nothing that a place could be eligible for.
json::value reasons_of(const DispatchedTaskDetail& task) {
  json::value reasons = json_of(explanation_of(task));
  json::object& device = reasons.at("candidates").at(0).as_object();
  for (const char* figure : {"wait_s", "transfer_s", "run_s", "slow_s", "score_s"}) {
    device[figure] = nullptr;
  }
  if (is_terminal(task.task.state)) device["eligible"] = nullptr;
  return reasons;
}

// Why the task's owner granted it where it did, in the owner's own words and figures.
void placement(Service& service, const Call& call, const Answer& answer) {
  QueryReader query(call.query);
  if (Status read = query.finish(); !read) return answer(problem(read.error()));
  Result<TaskId> id = parse_task_id(call.at("task"));
  if (!id) return answer(problem(id.error()));
  with_known(service, *id, answer, [](const Known& known) {
    json::object object{{"task", to_string(known.id)},
                        {"device", known.device()},
                        {"told", nullptr},
                        {"missing", known.missing},
                        {"explanation", nullptr}};
    if (known.dispatched) object["explanation"] = reasons_of(*known.dispatched);
    if (!known.told) return json_response(object);
    object["told"] = time_or_null(known.told->heard);
    auto explanation = wire::decode_explanation(known.told->story.why);
    if (explanation) object["explanation"] = json_of(*explanation);
    return json_response(object);
  });
}

}  // namespace

std::span<const Route> path_routes() {
  static constexpr Route kRoutes[] = {
      {Method::get, "/tasks/{task}/trace", "getTaskTrace", Scope::read, trace},
      {Method::get, "/tasks/{task}/placement", "getTaskPlacement", Scope::read, placement},
  };
  return kRoutes;
}

}  // namespace spillway::cloud::api
