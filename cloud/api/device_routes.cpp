#include <boost/json.hpp>
#include <charconv>
#include <cmath>

#include "cloud/api/device_selection.h"
#include "cloud/api/paging.h"
#include "cloud/api/routes.h"
#include "cloud/api/series_query.h"
#include "cloud/api/service.h"
#include "cloud/api/views_json.h"

namespace spillway::cloud::api {
namespace {

constexpr std::size_t kMaxNamed = 1000;                                     // devices by name
constexpr std::size_t kMaxSelected = 200'000;                               // devices of one action
constexpr double kLines = 100, kMaxLines = 1000;                            // of a device's log
constexpr std::size_t kName = 63, kNote = 500, kLabel = 128, kLabels = 32;  // limits of texts

Response device_response(const DeviceView& device, unsigned status = 200) {
  Response response = json_response(json_of(device), status);
  response.headers.emplace_back("etag", "\"" + std::to_string(device.revision) + "\"");
  return response;
}

// "value name": what a page of devices ended with.
std::string text_of(const DevicePosition& position) {
  return std::to_string(position.value) + " " + position.name;
}
DevicePosition position_of(std::string_view text) {
  DevicePosition position;
  const char* end = std::from_chars(text.data(), text.data() + text.size(), position.value).ptr;
  std::string_view rest = text.substr(std::size_t(end - text.data()));
  if (!rest.empty()) position.name = rest.substr(1);
  return position;
}

void list(Service& service, const Call& call, const Answer& answer) {
  QueryReader query(call.query);
  Paging paging(call, query, service.access().cursor_key());
  DeviceQuery asked;
  asked.filter = read_filter(query);
  std::string sort = query.text("sort").value_or("name");
  asked.descending = sort.starts_with('-');
  auto known = device_sort_of(asked.descending ? sort.substr(1) : sort);
  if (!known) query.refuse("sort", none_of(sort, device_sort_names()) + ", each also with '-'");
  asked.sort = known.value_or(DeviceSort::name);
  asked.limit = paging.limit();
  if (paging.position()) asked.after = position_of(*paging.position());
  if (Status read = query.finish(); !read) return answer(problem(read.error()));
  if (!paging.status()) return answer(problem(paging.status().error()));
  service.bridge().look(
      answer, [asked](Fleet& fleet) { return fleet.devices(asked); },
      [paging](const DevicePage& page) {
        std::optional<std::string> next;
        if (page.next) next = paging.next(text_of(*page.next));
        json::object body = page_of(page.devices, next);
        body["matching"] = page.matching;
        return json_response(body);
      });
}

void facets(Service& service, const Call& call, const Answer& answer) {
  QueryReader query(call.query);
  DeviceFilter filter = read_filter(query);
  if (Status read = query.finish(); !read) return answer(problem(read.error()));
  service.bridge().look(
      answer, [filter](Fleet& fleet) { return fleet.facets(filter); },
      [](const DeviceFacets& found) { return json_response(json_of(found)); });
}

void show(Service& service, const Call& call, const Answer& answer) {
  const std::string& name = call.at("device");
  service.bridge().look(
      answer, [name](Fleet& fleet) { return fleet.device(name); },
      [](const DeviceView& device) { return device_response(device); });
}

void telemetry(Service& service, const Call& call, const Answer& answer) {
  QueryReader query(call.query);
  SeriesQuery asked = read_series(query, call.now);
  std::vector<DeviceSeries> wanted =
      query.words("metrics", device_series_of, device_series_names());
  if (Status read = query.finish(); !read) return answer(problem(read.error()));
  if (call.request.query.find("metrics=") == std::string::npos) {
    for (std::size_t i = 0; i < kDeviceSeries; ++i) wanted.push_back(DeviceSeries(i));
  }
  service.bridge().wait<std::vector<DevicePoint>>(
      answer,
      [asked, name = call.at("device")](Fleet& fleet, Fleet::Done<std::vector<DevicePoint>> done) {
        fleet.device_series(name, asked, std::move(done));
      },
      [asked, wanted](const std::vector<DevicePoint>& points) {
        json::array times;
        json::object mean, max;
        auto cell = [](float value) {
          return std::isfinite(value) ? json::value(value) : json::value(nullptr);
        };
        for (const DevicePoint& point : points) {
          times.emplace_back(std::chrono::floor<std::chrono::seconds>(point.at).count());
        }
        for (DeviceSeries each : wanted) {
          json::array means, largest;
          for (const DevicePoint& point : points) {
            means.push_back(cell(point.mean[std::size_t(each)]));
            largest.push_back(cell(point.max[std::size_t(each)]));
          }
          mean[to_string(each)] = std::move(means);
          max[to_string(each)] = std::move(largest);
        }
        return json_response(json::object{{"step_s", step_of(asked.resolution)},
                                          {"t", std::move(times)},
                                          {"mean", std::move(mean)},
                                          {"max", std::move(max)}});
      });
}

void sessions(Service& service, const Call& call, const Answer& answer) {
  QueryReader query(call.query);
  auto limit = std::uint32_t(query.number("limit", 1, kMaxPage).value_or(kPage));
  if (Status read = query.finish(); !read) return answer(problem(read.error()));
  service.bridge().wait<std::vector<SessionView>>(
      answer,
      [limit, name = call.at("device")](Fleet& fleet, Fleet::Done<std::vector<SessionView>> done) {
        fleet.sessions(name, limit, std::move(done));
      },
      [](const std::vector<SessionView>& found) {
        return json_response(json::object{{"items", json_list(found)}});
      });
}

void losses(Service& service, const Call& call, const Answer& answer) {
  service.bridge().look(
      answer,
      [name = call.at("device")](Fleet& fleet) -> Result<std::vector<LossTotal>> {
        auto known = fleet.device(name);
        if (!known) return known.error();
        return fleet.losses(name);
      },
      [](const std::vector<LossTotal>& found) {
        return json_response(json::object{{"items", json_list(found)}});
      });
}

// Runs a change and answers with the device as it is then.
template <class Change>
void change_and_show(Service& service, const std::string& name, unsigned status,
                     const Answer& answer, Change change) {
  service.bridge().wait<DeviceView>(
      answer,
      [name, change](Fleet& fleet, Fleet::Done<DeviceView> done) {
        change(fleet, [&fleet, name, done = std::move(done)](const Result<void>& changed) {
          if (!changed) return done(changed.error());
          done(fleet.device(name));
        });
      },
      [status](const DeviceView& device) { return device_response(device, status); });
}

void expect(Service& service, const Call& call, const Answer& answer) {
  BodyReader body(call.body);
  std::string name = body.required("id", body.text("id", kName));
  DeviceChange change;
  change.group = body.text("group", kName);
  change.labels = body.texts("labels", kLabels, kLabel);
  change.by = call.who.name;
  if (Status read = body.finish(); !read) return answer(problem(read.error()));
  if (auto good = check_device_id(name); !good) return answer(problem(good.error()));
  change_and_show(service, name, 201, answer, [name, change](Fleet& fleet, Fleet::Done<void> done) {
    if (fleet.device(name)) {
      return done(fail(Code::conflict, "the device " + name + " is known"));
    }
    fleet.expect(name, change, std::move(done));
  });
}

void patch(Service& service, const Call& call, const Answer& answer) {
  BodyReader body(call.body);
  DeviceChange change;
  change.group = body.text("group", kName);
  change.labels = body.texts("labels", kLabels, kLabel);
  change.quarantined = body.flag("quarantined");
  change.revoked = body.flag("revoked");
  change.note = body.text("note", kNote).value_or("");
  change.by = call.who.name;
  if (Status read = body.finish(); !read) return answer(problem(read.error()));
  std::string_view match = call.request.header("if-match");
  if (match.empty()) {
    return answer(problem(428, "if-match", "send the ETag that was read as If-Match"));
  }
  std::uint64_t revision = ~0ULL;
  if (match.size() > 2 && match.front() == '"') {
    std::from_chars(match.data() + 1, match.data() + match.size() - 1, revision);
  }
  auto changed_meanwhile = [answer](Response response) {
    if (response.status == 409) {
      response = problem(412, "changed", "the device was changed meanwhile; read it again");
    }
    answer(std::move(response));
  };
  const std::string& name = call.at("device");
  change_and_show(service, name, 200, changed_meanwhile,
                  [name, change, revision](Fleet& fleet, Fleet::Done<void> done) {
                    fleet.change(name, change, revision, std::move(done));
                  });
}

void forget(Service& service, const Call& call, const Answer& answer) {
  service.bridge().wait<void>(
      answer,
      [name = call.at("device"), by = call.who.name](Fleet& fleet, Fleet::Done<void> done) {
        fleet.forget(name, by, std::move(done));
      },
      [] { return Response{204, "", {}, "", {}, nullptr}; });
}

struct BulkOutcome {
  std::uint64_t matched = 0, changed = 0, failed = 0;
  bool dry_run = false;
};

Response bulk_response(const BulkOutcome& outcome) {
  return json_response(json::object{{"matched", outcome.matched},
                                    {"changed", outcome.changed},
                                    {"failed", outcome.failed},
                                    {"dry_run", outcome.dry_run}});
}

Result<DeviceChange> read_action(BodyReader& body) {
  DeviceChange change;
  std::string action = body.required("action", body.text("action", kName));
  change.note = body.text("note", kNote).value_or("");
  auto group = body.text("group", kName);
  if (action == "quarantine") {
    change.quarantined = true;
  } else if (action == "release") {
    change.quarantined = change.revoked = false;
  } else if (action == "revoke") {
    change.revoked = true;
  } else if (action == "set_group") {
    change.group = body.required("group", group);
  } else {
    return fail(Code::invalid_argument, "action: must be quarantine, release, revoke or set_group");
  }
  return change;
}

// A device that fails does not hold up the others.
void act_on_all(Fleet& fleet, const std::vector<std::string>& names, const DeviceChange& change,
                const Fleet::Done<BulkOutcome>& done) {
  struct Progress {
    BulkOutcome outcome;
    std::size_t left = 0;
  };
  auto progress = std::make_shared<Progress>();
  progress->outcome.matched = progress->left = names.size();
  if (names.empty()) return done(progress->outcome);
  for (const std::string& name : names) {
    fleet.change(name, change, std::nullopt, [progress, done](const Result<void>& changed) {
      ++(changed ? progress->outcome.changed : progress->outcome.failed);
      if (--progress->left == 0) done(progress->outcome);
    });
  }
}

void act(Service& service, const Call& call, const Answer& answer) {
  BodyReader body(call.body);
  Result<DeviceChange> change = read_action(body);
  bool dry_run = body.flag("dry_run").value_or(false);
  const json::object* select = body.object("select");
  if (!select) body.refuse("select", "is missing; {} selects every device");
  if (Status read = body.finish(); !read) return answer(problem(read.error()));
  if (!change) return answer(problem(change.error()));
  // Either devices by their names, or those that match when it begins.
  BodyReader named(*select);
  auto ids = named.texts("ids", kMaxNamed, kName);
  if (Status read = named.finish(); select->contains("ids") && !read) {
    return answer(problem(fail(Code::invalid_argument, "select." + read.error().message)));
  }
  Result<DeviceFilter> filter = ids ? DeviceFilter() : read_filter(*select);
  if (!filter) return answer(problem(filter.error()));
  change->by = call.who.name;
  service.bridge().wait<BulkOutcome>(
      answer,
      [dry_run, ids, filter = *filter, change = *change](Fleet& fleet,
                                                         const Fleet::Done<BulkOutcome>& done) {
        if (dry_run) return done(BulkOutcome{ids ? ids->size() : fleet.count(filter), 0, 0, true});
        act_on_all(fleet, ids ? *ids : fleet.names(filter, kMaxSelected), change, done);
      },
      bulk_response);
}

std::optional<wire::CommandKind> command_of(std::string_view name) {
  if (name == "drain") return wire::CommandKind::drain;
  if (name == "resume") return wire::CommandKind::resume;
  if (name == "logs") return wire::CommandKind::logs;
  return std::nullopt;
}

// Asks a device that is there now: nothing waits for one that is not.
void ask_device(Service& service, const Call& call, const Answer& answer) {
  if (!service.parts().command) {
    return answer(problem(501, "unsupported", "this cloud asks nothing of devices"));
  }
  BodyReader body(call.body);
  const std::string what = body.required("command", body.text("command", kName));
  wire::Command command;
  auto known = command_of(what);
  if (!known) body.refuse("command", "must be drain, resume or logs");
  command.what = known.value_or(wire::CommandKind::logs);
  command.lines = std::uint32_t(body.number("lines", 1, kMaxLines).value_or(kLines));
  if (Status read = body.finish(); !read) return answer(problem(read.error()));
  const std::string device = call.at("device");
  service.bridge().wait<std::string>(
      answer,
      [&service, device, command](Fleet&, Fleet::Done<std::string> done) {
        service.parts().command(device, command, std::move(done));
      },
      [device, what](const std::string& text) {
        return json_response(json::object{{"device", device}, {"command", what}, {"text", text}});
      });
}

}  // namespace

std::span<const Route> device_routes() {
  static constexpr Route kRoutes[] = {
      {Method::get, "/devices", "listDevices", Scope::read, list},
      {Method::post, "/devices", "expectDevice", Scope::operate, expect},
      {Method::get, "/devices/facets", "getDeviceFacets", Scope::read, facets},
      {Method::post, "/devices/actions", "actOnDevices", Scope::operate, act},
      {Method::get, "/devices/{device}", "getDevice", Scope::read, show},
      {Method::patch, "/devices/{device}", "changeDevice", Scope::operate, patch},
      {Method::del, "/devices/{device}", "forgetDevice", Scope::admin, forget},
      {Method::get, "/devices/{device}/telemetry", "getDeviceTelemetry", Scope::read, telemetry},
      {Method::get, "/devices/{device}/sessions", "listDeviceSessions", Scope::read, sessions},
      {Method::get, "/devices/{device}/losses", "getDeviceLosses", Scope::read, losses},
      {Method::post, "/devices/{device}/commands", "askDevice", Scope::operate, ask_device},
  };
  return kRoutes;
}

}  // namespace spillway::cloud::api
