#include <boost/json.hpp>
#include <cmath>

#include "cloud/api/paging.h"
#include "cloud/api/routes.h"
#include "cloud/api/series_query.h"
#include "cloud/api/service.h"
#include "cloud/api/views_json.h"

namespace spillway::cloud::api {
namespace {

constexpr std::uint32_t kMaxMapped = 200'000;  // devices

void summary(Service& service, const Call& call, const Answer& answer) {
  QueryReader query(call.query);
  if (Status read = query.finish(); !read) return answer(problem(read.error()));
  service.bridge().look(
      answer, [](Fleet& fleet) { return fleet.summary(); },
      [](const FleetSummary& found) { return json_response(json_of(found)); });
}

Response series_response(const std::vector<FleetPoint>& points, Resolution resolution,
                         const std::vector<FleetSeries>& wanted) {
  json::array times;
  for (const FleetPoint& point : points) {
    times.emplace_back(std::chrono::floor<std::chrono::seconds>(point.at).count());
  }
  json::object series;
  for (FleetSeries each : wanted) {
    json::array column;
    for (const FleetPoint& point : points) {
      float value = point.value[std::size_t(each)];
      column.push_back(std::isfinite(value) ? json::value(value) : json::value(nullptr));
    }
    series[to_string(each)] = std::move(column);
  }
  return json_response(json::object{
      {"step_s", step_of(resolution)}, {"t", std::move(times)}, {"series", std::move(series)}});
}

void series(Service& service, const Call& call, const Answer& answer) {
  QueryReader query(call.query);
  SeriesQuery asked = read_series(query, call.now);
  std::vector<FleetSeries> wanted = query.words("metrics", fleet_series_of, fleet_series_names());
  if (Status read = query.finish(); !read) return answer(problem(read.error()));
  for (std::size_t i = 0; wanted.size() < kFleetSeries && i < kFleetSeries; ++i) {
    if (call.request.query.find("metrics=") == std::string::npos) wanted.push_back(FleetSeries(i));
  }
  service.bridge().look(
      answer, [asked](Fleet& fleet) { return fleet.series(asked); },
      [asked, wanted](const std::vector<FleetPoint>& points) {
        return series_response(points, asked.resolution, wanted);
      });
}

void map(Service& service, const Call& call, const Answer& answer) {
  QueryReader query(call.query);
  if (Status read = query.finish(); !read) return answer(problem(read.error()));
  service.bridge().look(
      answer,
      [](Fleet& fleet) {
        DeviceQuery all;
        all.limit = kMaxMapped;
        std::vector<std::pair<std::string, Health>> devices;
        for (DeviceRow& row : fleet.devices(all).devices) {
          devices.emplace_back(std::move(row.name), row.health);
        }
        return devices;
      },
      [now = call.now](const std::vector<std::pair<std::string, Health>>& devices) {
        json::array ids, health;
        ids.reserve(devices.size());
        health.reserve(devices.size());
        for (const auto& [name, state] : devices) {
          ids.emplace_back(name);
          health.emplace_back(int(state));
        }
        return json_response(json::object{
            {"at", time_or_null(now)}, {"ids", std::move(ids)}, {"health", std::move(health)}});
      });
}

void answer_events(Service& service, const Call& call, const std::string& device,
                   const Answer& answer) {
  QueryReader query(call.query);
  Paging paging(call, query, service.access().cursor_key());
  EventQuery asked;
  asked.device = device;
  asked.before = paging.before();
  asked.limit = paging.limit();
  if (Status read = query.finish(); !read) return answer(problem(read.error()));
  if (!paging.status()) return answer(problem(paging.status().error()));
  service.bridge().wait<std::vector<FleetEvent>>(
      answer,
      [asked](Fleet& fleet, Fleet::Done<std::vector<FleetEvent>> done) {
        if (!asked.device.empty()) {
          auto known = fleet.device(asked.device);
          if (!known) return done(known.error());
        }
        fleet.events(asked, std::move(done));
      },
      [paging](const std::vector<FleetEvent>& events) {
        std::optional<std::string> next;
        if (events.size() == paging.limit()) next = paging.next(std::to_string(events.back().id));
        return json_response(page_of(events, next));
      });
}

void events(Service& service, const Call& call, const Answer& answer) {
  answer_events(service, call, "", answer);
}

void device_events(Service& service, const Call& call, const Answer& answer) {
  const std::string& device = call.at("device");
  answer_events(service, call, device, answer);
}

constexpr std::string_view kLeaseStates[] = {"accepted", "running", "done", "answered"};

std::optional<lifecycle::LeaseState> lease_state_of(std::string_view name) {
  for (std::size_t i = 0; i < std::size(kLeaseStates); ++i) {
    if (kLeaseStates[i] == name) return lifecycle::LeaseState(i);
  }
  return std::nullopt;
}

void answer_tasks(Service& service, const Paging& paging, TaskQuery asked, const Answer& answer) {
  asked.before = paging.before();
  asked.limit = paging.limit();
  service.bridge().look(
      answer,
      [asked](Fleet& fleet) -> Result<TaskPage> {
        if (!asked.device.empty()) {
          auto known = fleet.device(asked.device);
          if (!known) return known.error();
        }
        return fleet.tasks(asked);
      },
      [paging](const TaskPage& page) {
        std::optional<std::string> next;
        if (page.next) next = paging.next(std::to_string(*page.next));
        return json_response(page_of(page.tasks, next));
      });
}

void device_offloaded(Service& service, const Call& call, const Answer& answer) {
  QueryReader query(call.query);
  Paging paging(call, query, service.access().cursor_key());
  if (Status read = query.finish(); !read) return answer(problem(read.error()));
  if (!paging.status()) return answer(problem(paging.status().error()));
  TaskQuery asked;
  asked.device = call.at("device");
  answer_tasks(service, paging, asked, answer);
}

void tasks(Service& service, const Call& call, const Answer& answer) {
  QueryReader query(call.query);
  Paging paging(call, query, service.access().cursor_key());
  TaskQuery asked;
  asked.device = query.text("device").value_or("");
  asked.kind = query.text("kind").value_or("");
  asked.state = query.word("state", lease_state_of, kLeaseStates);
  asked.failed = query.flag("failed");
  if (Status read = query.finish(); !read) return answer(problem(read.error()));
  if (!paging.status()) return answer(problem(paging.status().error()));
  answer_tasks(service, paging, asked, answer);
}

template <class Show>
void answer_task(Service& service, const Call& call, const Answer& answer, Show show) {
  Result<TaskId> id = parse_task_id(call.at("task"));
  if (!id) return answer(problem(id.error()));
  service.bridge().look(
      answer,
      [id = *id](Fleet& fleet) -> Result<OffloadedTask> {
        auto found = fleet.task(id);
        if (found) return *found;
        return fail(Code::not_found, "the cloud has no task " + to_string(id) +
                                         ", or has forgotten it: it keeps the newest");
      },
      show);
}

void task(Service& service, const Call& call, const Answer& answer) {
  answer_task(service, call, answer,
              [](const OffloadedTask& found) { return json_response(json_of(found)); });
}

}  // namespace

std::span<const Route> fleet_routes() {
  static constexpr Route kRoutes[] = {
      {Method::get, "/fleet/summary", "getFleetSummary", Scope::read, summary},
      {Method::get, "/fleet/series", "getFleetSeries", Scope::read, series},
      {Method::get, "/fleet/map", "getFleetMap", Scope::read, map},
      {Method::get, "/events", "listEvents", Scope::read, events},
      {Method::get, "/devices/{device}/events", "listDeviceEvents", Scope::read, device_events},
      {Method::get, "/devices/{device}/tasks/offloaded", "listDeviceOffloadedTasks", Scope::read,
       device_offloaded},
      {Method::get, "/tasks/offloaded", "listOffloadedTasks", Scope::read, tasks},
      {Method::get, "/tasks/offloaded/{task}", "getOffloadedTask", Scope::read, task},
  };
  return kRoutes;
}

}  // namespace spillway::cloud::api
