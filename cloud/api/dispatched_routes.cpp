#include <algorithm>
#include <boost/json.hpp>
#include <variant>

#include "cloud/api/device_selection.h"
#include "cloud/api/dispatched_json.h"
#include "cloud/api/paging.h"
#include "cloud/api/routes.h"
#include "cloud/api/service.h"
#include "cloud/api/views_json.h"
#include "cloud/dispatch/dispatch.h"
#include "common/base/bundle.h"

namespace spillway::cloud::api {
namespace {

constexpr std::size_t kMaxSelected = 10'000;  // devices of one submission
constexpr std::uint32_t kMaxGroups = 50;      // of one page: each is counted
constexpr std::size_t kName = 64, kPairs = 32;
constexpr std::size_t kKind = 160;  // a name, a version and a digest
constexpr double kYear = 366.0 * 24 * 3600;
// A quarter of a task's input may be lost to base64, and its end is padded.
constexpr std::size_t kMaxEncoded = kInlineLimit / 3 * 4 + 8;

Dispatch* dispatch_of(Service& service, const Answer& answer) {
  Dispatch* dispatch = service.parts().dispatch;
  if (!dispatch) answer(problem(501, "unsupported", "this cloud takes no tasks for devices"));
  return dispatch;
}

std::optional<std::chrono::milliseconds> read_span(BodyReader& body, const std::string& name) {
  auto seconds = body.number(name, 0.001, kYear);
  if (!seconds) return std::nullopt;
  return std::chrono::milliseconds(std::int64_t(*seconds * 1000));
}

Labels read_pairs(BodyReader& body, const std::string& name, std::size_t most) {
  Labels pairs;
  const json::object* given = body.object(name);
  if (!given) return pairs;
  if (given->size() > most) body.refuse(name, "at most " + std::to_string(most) + " entries");
  for (const auto& [key, value] : *given) {
    if (value.is_string()) {
      pairs[std::string(key)] = std::string(value.get_string());
    } else {
      body.refuse(name, "must have texts as values");
    }
  }
  return pairs;
}

template <class E>
E read_choice(BodyReader& body, const std::string& name, E otherwise,
              std::initializer_list<std::pair<std::string_view, E>> choices) {
  auto given = body.text(name, kName);
  if (!given) return otherwise;
  for (const auto& [word, value] : choices) {
    if (word == *given) return value;
  }
  std::vector<std::string_view> words;
  for (const auto& [word, value] : choices) words.push_back(word);
  body.refuse(name, none_of(*given, words));
  return otherwise;
}

Bytes read_input(BodyReader& body) {
  auto text = body.text("input", kInlineLimit);
  auto encoded = body.text("input_base64", kMaxEncoded);
  if (text && encoded) body.refuse("input_base64", "give this or input, not both");
  if (text) return to_bytes(*text);
  if (!encoded) return {};
  // RFC 4648's two alphabets, with and without padding.
  std::replace(encoded->begin(), encoded->end(), '+', '-');
  std::replace(encoded->begin(), encoded->end(), '/', '_');
  encoded->erase(std::min(encoded->find('='), encoded->size()));
  auto bytes = http::from_base64url(*encoded);
  if (!bytes) body.refuse("input_base64", "is not base64");
  return bytes.value_or(Bytes());
}

KindRef read_kind(BodyReader& body) {
  const std::string text = body.required("kind", body.text("kind", kKind));
  Result<KindRef> kind = parse_kind_ref(text);
  if (!kind) body.refuse("kind", kind.error().message);
  return kind ? *std::move(kind) : KindRef{};
}

TaskSpec read_spec(BodyReader& body) {
  TaskSpec spec;
  spec.kind = read_kind(body);
  spec.args = read_pairs(body, "args", kPairs);
  spec.input.bytes = read_input(body);
  spec.labels = read_pairs(body, "labels", kPairs);
  spec.band = read_choice(body, "band", Band::normal,
                          {{"urgent", Band::urgent},
                           {"high", Band::high},
                           {"normal", Band::normal},
                           {"background", Band::background}});
  spec.effects = read_choice(
      body, "effects", Effects::pure,
      {{"pure", Effects::pure}, {"idempotent", Effects::idempotent}, {"once", Effects::once}});
  spec.deadline = read_span(body, "deadline_s");
  spec.run_timeout = read_span(body, "run_timeout_s");
  spec.retention = read_span(body, "retention_s").value_or(spec.retention);
  if (auto attempts = body.number("max_attempts", 1, 100)) {
    spec.retry.max_attempts = std::uint32_t(*attempts);
  }
  return spec;
}

// Which args a kind takes is for devices to say; those of an update are known here, too, and each
// device would refuse them the same way.
Status check_update(const TaskSpec& spec) {
  if (spec.kind.name != kUpdateKind) return {};
  const auto arg = [&spec](const char* name) {
    const auto found = spec.args.find(name);
    return found == spec.args.end() ? std::string() : found->second;
  };
  return check_remote_bundle(arg("url"), arg("sha256"));
}

// Whom it is for: `devices` by name, or all that `select` matches when it is asked.
struct Aim {
  std::vector<std::string> devices;
  std::optional<DeviceFilter> select;

  // The same for the same request, whoever matches meanwhile.
  std::string words() const {
    if (select) return json::serialize(json_of(*select));
    return json::serialize(json::array(devices.begin(), devices.end()));
  }
};

Result<Aim> read_aim(BodyReader& body) {
  Aim aim;
  auto devices = body.texts("devices", kMaxSelected, kName);
  const json::object* select = body.object("select");
  if (bool(devices) == bool(select)) {
    return fail(Code::invalid_argument, "devices: give either devices or select");
  }
  if (devices) {
    std::sort(devices->begin(), devices->end());
    devices->erase(std::unique(devices->begin(), devices->end()), devices->end());
    aim.devices = *std::move(devices);
    return aim;
  }
  Result<DeviceFilter> filter = read_filter(*select);
  if (!filter) return filter.error();
  aim.select = *std::move(filter);
  return aim;
}

bool is_barred(const DeviceView& device) {
  return device.row.health == Health::quarantined || device.row.health == Health::revoked;
}

// Named ones must be known, and not barred; of those that match, barred ones are left out.
Result<std::vector<std::string>> devices_of(const Fleet& fleet, const Aim& aim) {
  std::vector<std::string> devices =
      aim.select ? fleet.names(*aim.select, kMaxSelected + 1) : aim.devices;
  if (devices.size() > kMaxSelected) {
    return fail(Code::invalid_argument, "select: matches more than 10000 devices; narrow it");
  }
  std::vector<std::string> good;
  for (std::string& device : devices) {
    auto known = fleet.device(device);
    if (known && !is_barred(*known)) {
      good.push_back(std::move(device));
    } else if (!aim.select) {
      if (!known) return known.error();
      return fail(Code::conflict, device + " is quarantined or revoked");
    }
  }
  return good;
}

struct Made {
  std::size_t matched = 0;
  std::optional<Submitted> submitted;  // none: a dry run
};

void submit(Service& service, const Call& call, const Answer& answer) {
  Dispatch* dispatch = dispatch_of(service, answer);
  if (!dispatch) return;
  BodyReader body(call.body);
  TaskSpec spec = read_spec(body);
  Result<Aim> aim = read_aim(body);
  const bool dry_run = body.flag("dry_run").value_or(false);
  if (Status read = body.finish(); !read) return answer(problem(read.error()));
  if (!aim) return answer(problem(aim.error()));
  if (Status valid = validate(spec); !valid) return answer(problem(valid.error()));
  if (Status right = check_update(spec); !right) return answer(problem(right.error()));
  std::string key(call.request.header("idempotency-key"));
  if (!key.empty()) key = call.who.name + "\n" + key;  // which no name has in it
  service.bridge().wait<Made>(
      answer,
      [=, aim = *std::move(aim)](Fleet& fleet, const Fleet::Done<Made>& done) {
        auto devices = devices_of(fleet, aim);
        if (dry_run && !devices) return done(devices.error());
        const std::size_t matched = devices ? devices->size() : 0;
        if (dry_run) return done(Made{matched, std::nullopt});
        dispatch->submit({spec, std::move(devices), key, aim.words()},
                         [matched, done](const Result<Submitted>& submitted) {
                           if (!submitted) return done(submitted.error());
                           done(Made{matched, *submitted});
                         });
      },
      [](const Made& made) {
        json::object outcome{{"matched", made.matched},
                             {"dry_run", !made.submitted},
                             {"repeated", made.submitted && made.submitted->repeated},
                             {"group", nullptr},
                             {"first_task", nullptr}};
        if (made.submitted) {
          outcome["group"] = to_string(made.submitted->group);
          outcome["first_task"] = to_string(made.submitted->group.first);
          outcome["matched"] = made.submitted->group.size;
        }
        return json_response(outcome, made.submitted ? 201 : 200);
      });
}

std::optional<TaskState> task_state_of(std::string_view name) {
  for (std::size_t i = 0; i <= std::size_t(TaskState::expired); ++i) {
    if (to_string(TaskState(i)) == name) return TaskState(i);
  }
  return std::nullopt;
}

std::optional<GroupId> group_of(std::string_view text) {
  auto group = parse_group_id(text);
  return group ? std::optional<GroupId>(*group) : std::nullopt;
}

void list(Service& service, const Call& call, const Answer& answer) {
  Dispatch* dispatch = dispatch_of(service, answer);
  if (!dispatch) return;
  QueryReader query(call.query);
  Paging paging(call, query, service.access().cursor_key());
  DispatchedFilter asked;
  asked.device = query.text("device").value_or("");
  asked.kind = query.text("kind").value_or("");
  std::vector<std::string_view> states;
  for (std::size_t i = 0; i <= std::size_t(TaskState::expired); ++i) {
    states.push_back(to_string(TaskState(i)));
  }
  asked.state = query.word("state", task_state_of, states);
  if (const auto group = query.text("group")) {
    asked.group = group_of(*group);
    if (!asked.group) query.refuse("group", "'" + group->substr(0, 80) + "' is no group's id");
  }
  asked.before = paging.before();
  asked.limit = paging.limit();
  if (Status read = query.finish(); !read) return answer(problem(read.error()));
  if (!paging.status()) return answer(problem(paging.status().error()));
  service.bridge().wait<std::vector<DispatchedTaskView>>(
      answer,
      [dispatch, asked](Fleet&, Fleet::Done<std::vector<DispatchedTaskView>> done) {
        dispatch->list(asked, std::move(done));
      },
      [paging](const std::vector<DispatchedTaskView>& tasks) {
        json::array items;
        for (const DispatchedTaskView& task : tasks) items.push_back(json_of(task));
        json::object page{{"items", std::move(items)}, {"next", nullptr}};
        if (tasks.size() == paging.limit()) {
          page["next"] = paging.next(std::to_string(tasks.back().id.seq));
        }
        return json_response(page);
      });
}

// What `start` does to the task, and then the task as it is.
template <class Start>
void with_task(Service& service, const Call& call, const Answer& answer, Start start) {
  Dispatch* dispatch = dispatch_of(service, answer);
  if (!dispatch) return;
  Result<TaskId> id = parse_task_id(call.at("task"));
  if (!id) return answer(problem(id.error()));
  service.bridge().wait<DispatchedTaskDetail>(
      answer,
      [dispatch, id = *id, start](Fleet& fleet, const Fleet::Done<DispatchedTaskDetail>& done) {
        // A device's own: its owner alone decides what becomes of it.
        if (!dispatch->owns(id)) {
          if (auto known = fleet.task(id)) {
            return done(fail(Code::conflict, "task " + to_string(id) + " belongs to " +
                                                 known->device +
                                                 "; use `spillway cancel` or `retry` there"));
          }
        }
        start(*dispatch, id, [dispatch, id, done](const Result<void>& did) {
          if (!did) return done(did.error());
          dispatch->find(id, done);
        });
      },
      [](const DispatchedTaskDetail& task) { return json_response(json_of(task)); });
}

void show(Service& service, const Call& call, const Answer& answer) {
  with_task(service, call, answer,
            [](Dispatch&, TaskId, const Dispatch::Done<void>& done) { done({}); });
}

// A task for a device, as it is then; or one that a device offloaded, whose owner is told.
using Cancelled = std::variant<DispatchedTaskDetail, OffloadedTask>;

void cancel_offloaded(const Service& service, Fleet& fleet, TaskId id,
                      const Fleet::Done<Cancelled>& done) {
  const auto& cancel_it = service.parts().cancel_offloaded;
  const bool did = cancel_it && cancel_it(id);
  const std::optional<OffloadedTask> known = fleet.task(id);
  if (did && known) return done(Cancelled(*known));
  if (!known) return done(fail(Code::not_found, "the cloud has no task " + to_string(id)));
  done(fail(Code::conflict, "task " + to_string(id) + " of " + known->device +
                                " does not wait or run here any more"));
}

void cancel(Service& service, const Call& call, const Answer& answer) {
  Dispatch* dispatch = dispatch_of(service, answer);
  if (!dispatch) return;
  Result<TaskId> id = parse_task_id(call.at("task"));
  if (!id) return answer(problem(id.error()));
  service.bridge().wait<Cancelled>(
      answer,
      [&service, dispatch, id = *id](Fleet& fleet, const Fleet::Done<Cancelled>& done) {
        if (!dispatch->owns(id)) return cancel_offloaded(service, fleet, id, done);
        dispatch->cancel(id, [dispatch, id, done](const Result<void>& did) {
          if (!did) return done(did.error());
          dispatch->find(id, [done](const Result<DispatchedTaskDetail>& found) {
            if (!found) return done(found.error());
            done(Cancelled(*found));
          });
        });
      },
      [](const Cancelled& now) {
        return std::visit([](const auto& task) { return json_response(json_of(task)); }, now);
      });
}

void retry(Service& service, const Call& call, const Answer& answer) {
  with_task(service, call, answer,
            [](Dispatch& dispatch, TaskId id, const Dispatch::Done<void>& done) {
              dispatch.retry(id, done);
            });
}

// What `start` does to the group, and then its counts.
template <class Start>
void with_group(Service& service, const Call& call, const Answer& answer, Start start) {
  Dispatch* dispatch = dispatch_of(service, answer);
  if (!dispatch) return;
  Result<GroupId> group = parse_group_id(call.at("group"));
  if (!group) return answer(problem(group.error()));
  service.bridge().wait<GroupView>(
      answer,
      [dispatch, group = *group, start](Fleet&, const Fleet::Done<GroupView>& done) {
        start(*dispatch, group, [dispatch, group, done](const Result<std::uint64_t>& did) {
          if (!did) return done(did.error());
          dispatch->count(group, done);
        });
      },
      [](const GroupView& counts) { return json_response(json_of(counts)); });
}

void show_group(Service& service, const Call& call, const Answer& answer) {
  with_group(service, call, answer,
             [](Dispatch&, const GroupId&, const Dispatch::Done<std::uint64_t>& done) { done(0); });
}

void cancel_group(Service& service, const Call& call, const Answer& answer) {
  with_group(service, call, answer,
             [](Dispatch& dispatch, const GroupId& group,
                const Dispatch::Done<std::uint64_t>& done) { dispatch.cancel(group, done); });
}

void retry_group(Service& service, const Call& call, const Answer& answer) {
  with_group(service, call, answer,
             [](Dispatch& dispatch, const GroupId& group,
                const Dispatch::Done<std::uint64_t>& done) { dispatch.retry(group, done); });
}

void list_groups(Service& service, const Call& call, const Answer& answer) {
  Dispatch* dispatch = dispatch_of(service, answer);
  if (!dispatch) return;
  QueryReader query(call.query);
  Paging paging(call, query, service.access().cursor_key());
  if (Status read = query.finish(); !read) return answer(problem(read.error()));
  if (!paging.status()) return answer(problem(paging.status().error()));
  const std::uint32_t limit = std::min(paging.limit(), kMaxGroups);
  service.bridge().wait<std::vector<GroupView>>(
      answer,
      [dispatch, before = paging.before(), limit](Fleet&,
                                                  Fleet::Done<std::vector<GroupView>> done) {
        dispatch->groups(before, limit, std::move(done));
      },
      [paging, limit](const std::vector<GroupView>& groups) {
        json::array items;
        for (const GroupView& group : groups) items.push_back(json_of(group));
        json::object page{{"items", std::move(items)}, {"next", nullptr}};
        if (groups.size() == limit) {
          page["next"] = paging.next(std::to_string(groups.back().group.first.seq));
        }
        return json_response(page);
      });
}

}  // namespace

std::span<const Route> dispatched_routes() {
  static constexpr Route kRoutes[] = {
      {Method::post, "/tasks/dispatched", "dispatchTask", Scope::operate, submit, true},
      {Method::get, "/tasks/dispatched", "listDispatchedTasks", Scope::read, list},
      {Method::get, "/tasks/dispatched/{task}", "getDispatchedTask", Scope::read, show},
      {Method::post, "/tasks/{task}/cancel", "cancelTask", Scope::operate, cancel},
      {Method::post, "/tasks/{task}/retry", "retryTask", Scope::operate, retry},
      {Method::get, "/task-groups", "listTaskGroups", Scope::read, list_groups},
      {Method::get, "/task-groups/{group}", "getTaskGroup", Scope::read, show_group},
      {Method::post, "/task-groups/{group}/cancel", "cancelTaskGroup", Scope::operate,
       cancel_group},
      {Method::post, "/task-groups/{group}/retry", "retryTaskGroup", Scope::operate, retry_group},
  };
  return kRoutes;
}

}  // namespace spillway::cloud::api
