#include "cloud/ctl/commands.h"

#include <boost/json.hpp>

#include "cloud/ctl/device_columns.h"
#include "cloud/ctl/selector.h"

namespace spillway::ctl {
namespace {

const std::vector<Column> kTaskRow = {{"TASK", "id"},
                                      {"DEVICE", "device"},
                                      {"KIND", "kind"},
                                      {"STATE", "state"},
                                      {"FAILURE", "failure"},
                                      {"ACCEPTED", "accepted", As::age},
                                      {"RAN", "ran_s", As::seconds},
                                      {"BAND", "band", As::plain, true},
                                      {"EPOCH", "epoch", As::plain, true},
                                      {"CPU", "cpu_s", As::seconds, true}};
const std::vector<Column> kAlertRow = {{"ALERT", "id"},
                                       {"SEVERITY", "severity"},
                                       {"RULE", "rule"},
                                       {"DEVICE", "device"},
                                       {"FIRING", "firing"},
                                       {"FIRED", "fired", As::age},
                                       {"VALUE", "value"},
                                       {"ACKNOWLEDGED", "acknowledged_by"},
                                       {"TITLE", "title"},
                                       {"NOTE", "note", As::plain, true},
                                       {"SILENCED", "silenced_until", As::plain, true}};
const std::vector<Column> kEventRow = {
    {"AT", "at"}, {"DEVICE", "device"}, {"WHAT", "what"}, {"DETAIL", "detail"}};
const std::vector<Column> kTokenRow = {{"TOKEN", "id"},        {"NAME", "name"},
                                       {"SCOPE", "scope"},     {"CREATED", "created", As::age},
                                       {"EXPIRES", "expires"}, {"USED", "last_used", As::age}};

// A query's parameters, those that are set.
class Query {
 public:
  Query& put(std::string_view name, const std::string& value) {
    if (value.empty()) return *this;
    text_ += (text_.empty() ? "?" : "&") + std::string(name) + "=" + escaped(value);
    return *this;
  }
  const std::string& text() const { return text_; }

 private:
  std::string text_;
};

int list(Api& api, const Console& console, const std::string& path, std::uint64_t limit,
         const std::vector<Column>& columns) {
  Listing listing(console, columns);
  Status status = api.list(path, limit, [&](const json::value& item) {
    listing.add(item);
    return true;
  });
  if (!status) return complain(console, status.error());
  listing.end();
  return 0;
}

// Lists that come in one piece.
int whole_list(Api& api, const Console& console, const std::string& path,
               const std::vector<Column>& columns) {
  auto answer = api.get(path);
  if (!answer) return complain(console, answer.error());
  Listing listing(console, columns);
  for (const json::value& item : answer->at("items").as_array()) listing.add(item);
  listing.end();
  return 0;
}

int show_at(Api& api, const Console& console, const std::string& path,
            const std::vector<Column>& columns) {
  return present(console, api.get(path), columns);
}

// The cloud answers it without content.
int remove(Api& api, const Console& console, const std::string& path) {
  auto gone = api.call(Method::del, path);
  if (!gone) return complain(console, gone.error());
  if (gone->is_null()) return 0;
  return complain(console, fail(Code::corrupt, "the answer is not that of a spillway-cloud"));
}

std::string device_path(const Words& words) { return "/devices/" + escaped(words.id); }

Query device_query(const Words& words) {
  Query query;
  query.put("q", words.text).put("health", words.health).put("reason", words.reason);
  query.put("group", words.group).put("label", words.label).put("kind", words.kind);
  query.put("version", words.version).put("sort", words.sort);
  query.put("online", words.online ? "true" : words.offline ? "false" : "");
  return query;
}

// Some may have been changed already when one cannot be. 7: some failed.
int act_on_named(Api& api, const Console& console, const Words& words, const json::object& change) {
  int worst = 0;
  std::size_t good = 0;
  for (const std::string& id : words.ids) {
    auto device = api.get("/devices/" + escaped(id));
    const std::uint64_t revision =
        device ? device->at("revision").to_number<std::uint64_t>() : std::uint64_t();
    if (device && !words.dry_run) {
      json::value body = change;
      const std::string etag = "\"" + std::to_string(revision) + "\"";
      device = api.call(Method::patch, "/devices/" + escaped(id), &body, {{"if-match", etag}});
    }
    if (!device) {
      worst = complain(console, device.error());
      continue;
    }
    ++good;
    if (!words.dry_run) console.err << id << ": " << json::serialize(change) << "\n";
  }
  if (words.dry_run || (console.format != Format::table && console.format != Format::wide)) {
    const json::object counts{{"matched", words.dry_run ? good : words.ids.size()},
                              {"changed", words.dry_run ? 0 : good},
                              {"failed", words.ids.size() - good}};
    show(console, counts, {{"matched", "matched"}, {"changed", "changed"}, {"failed", "failed"}});
  }
  return worst == 0 ? 0 : good > 0 ? 7 : worst;
}

int act(Api& api, const Console& console, const Words& words, const std::string& action,
        json::object change) {
  if (!words.note.empty()) change["note"] = words.note;
  if (!names_devices(console, words)) return 2;
  if (!words.ids.empty()) return act_on_named(api, console, words, change);
  json::object body{{"action", action}, {"select", selector(words)}, {"dry_run", words.dry_run}};
  if (!words.note.empty()) body["note"] = words.note;
  if (action == "set_group") body["group"] = words.to_group;
  json::value sent = std::move(body);
  auto outcome = api.call(Method::post, "/devices/actions", &sent);
  const int shown = present(console, outcome,
                            {{"matched", "matched"}, {"changed", "changed"}, {"failed", "failed"}});
  if (shown != 0) return shown;
  return outcome->at("failed").to_number<std::uint64_t>() > 0 ? 7 : 0;
}

int say_summary(const Console& console, const Result<json::value>& summary) {
  // What is as it should be is not said in the plain table.
  const auto unless_zero = [&summary](std::string_view title, std::string_view path) {
    const Column column{std::string(title), path};
    const bool known = summary && has(*summary, path);
    return Column{std::string(title), path, As::plain,
                  !known || text_of(*summary, column, 0) == "0"};
  };
  return present(console, summary,
                 {{"devices", "devices"},
                  {"online", "online"},
                  {"operational", "health.operational"},
                  {"degraded", "health.degraded"},
                  {"disconnected", "health.disconnected"},
                  {"updating", "health.updating"},
                  {"sleeping", "health.sleeping", As::plain, true},
                  {"never seen", "health.never_seen", As::plain, true},
                  unless_zero("quarantined", "health.quarantined"),
                  unless_zero("revoked", "health.revoked"),
                  unless_zero("restored", "reasons.restored"),
                  unless_zero("cloned", "reasons.cloned"),
                  {"tasks/s", "tasks_per_s"},
                  {"offloaded", "offload_ratio", As::percent},
                  {"p50 here", "local.p50_s", As::seconds, true},
                  {"p95 here", "local.p95_s", As::seconds},
                  {"p50 cloud", "cloud.p50_s", As::seconds, true},
                  {"p95 cloud", "cloud.p95_s", As::seconds},
                  {"edge backlog", "edge_backlog"},
                  {"oldest there", "edge_oldest_s", As::seconds},
                  {"cloud queue", "cloud_queue"},
                  {"oldest here", "cloud_oldest_s", As::seconds},
                  {"cloud restored", "cloud_restored"},
                  {"duplicates suppressed", "duplicates_suppressed"},
                  {"lost", "lost"},
                  {"alerts firing", "alerts_firing"}});
}

// Prints each item of `member` in every event, as it comes. A table's columns cannot wait for the
// last row, so people get one line a change.
int tail(Api& api, const Console& console, const std::string& member,
         const std::vector<Column>& columns,
         const std::function<bool(const json::value&)>& wanted) {
  Console line = console;
  if (line.format == Format::json) line.format = Format::ndjson;
  Listing listing(line, columns);
  Status status = api.watch([&](const std::string&, const json::value& data) {
    const json::value* items = data.as_object().if_contains(member);
    if (!items) return true;
    for (const json::value& item : items->as_array()) {
      if (!wanted(item)) continue;
      if (line.format == Format::ndjson || line.format == Format::csv) {
        listing.add(item);
        continue;
      }
      for (const Column& column : columns) {
        if (!column.wide || line.format == Format::wide) {
          line.out << text_of(item, column, line.now) << "  ";
        }
      }
      line.out << std::endl;
    }
    line.out.flush();
    return line.out.good();
  });
  return status ? 0 : complain(console, status.error());
}

}  // namespace

int complain(const Console& console, const Error& error) {
  console.err << "spwctl: " << printable(error.message) << "\n";
  return exit_code(error);
}

int present(const Console& console, const Result<json::value>& answer,
            const std::vector<Column>& columns) {
  if (!answer) return complain(console, answer.error());
  if (!has(*answer, columns.front().path)) {
    return complain(console,
                    fail(Code::corrupt, "the answer has no '" + std::string(columns.front().path) +
                                            "'; is a spillway-cloud at that address?"));
  }
  show(console, *answer, columns);
  return 0;
}

bool names_devices(const Console& console, const Words& words) {
  const bool some = words.all || !selector(words).empty();
  if (some != words.ids.empty()) {
    console.err << "spwctl: "
                << (some ? "name either devices, or a filter or --all, not both"
                         : "name devices, or a filter, or --all")
                << "\n";
    return false;
  }
  return true;
}

int fleet_status(Api& api, const Console& console, const Words&) {
  return say_summary(console, api.get("/fleet/summary"));
}

int fleet_watch(Api& api, const Console& console, const Words&) {
  int shown = 0;
  Status status = api.watch([&](const std::string&, const json::value& data) {
    const json::value* summary = data.as_object().if_contains("summary");
    if (!summary) return true;
    if (console.format == Format::table || console.format == Format::wide) {
      auto cell = [&](std::string_view path, As as = As::plain) {
        return text_of(*summary, {"", path, as}, console.now);
      };
      console.out << cell("at").substr(11, 8) << "  online " << cell("online") << "/"
                  << cell("devices") << "  degraded " << cell("health.degraded")
                  << "  disconnected " << cell("health.disconnected") << "  tasks/s "
                  << cell("tasks_per_s") << "  offloaded " << cell("offload_ratio", As::percent)
                  << "  backlog " << cell("edge_backlog") << "  alerts " << cell("alerts_firing")
                  << std::endl;
    } else {
      shown = say_summary(console, *summary);
    }
    return shown == 0 && console.out.good();
  });
  return status ? shown : complain(console, status.error());
}

int device_list(Api& api, const Console& console, const Words& words) {
  return list(api, console, "/devices" + device_query(words).text(), words.limit, device_columns());
}

int device_show(Api& api, const Console& console, const Words& words) {
  std::vector<Column> columns = device_columns();
  for (Column& column : columns) column.wide = false;
  columns.insert(columns.end(), {{"KERNEL", "kernel"},
                                 {"WORKERS", "workers"},
                                 {"TAGS", "tags", As::list},
                                 {"SESSION", "session"},
                                 {"FIRST SEEN", "first_seen"},
                                 {"MEASURED", "measured", As::age},
                                 {"UPDATE", "update.phase"},
                                 {"UPDATE SAYS", "update.detail"},
                                 {"NOTE", "note"}});
  return show_at(api, console, device_path(words), columns);
}

int device_watch(Api& api, const Console& console, const Words& words) {
  return tail(api, console, "devices", device_columns(), [&](const json::value& item) {
    return words.id.empty() || item.at("id").as_string() == words.id;
  });
}

int device_offloaded(Api& api, const Console& console, const Words& words) {
  return list(api, console, device_path(words) + "/tasks/offloaded", words.limit, kTaskRow);
}

int device_events(Api& api, const Console& console, const Words& words) {
  return list(api, console, device_path(words) + "/events", words.limit, kEventRow);
}

int device_losses(Api& api, const Console& console, const Words& words) {
  return whole_list(api, console, device_path(words) + "/losses",
                    {{"CLASS", "class"},
                     {"CAUSE", "cause"},
                     {"COUNT", "count"},
                     {"AT LEAST", "at_least"},
                     {"FROM", "from"},
                     {"UNTIL", "until"}});
}

int device_sessions(Api& api, const Console& console, const Words& words) {
  return whole_list(
      api, console, device_path(words) + "/sessions?limit=" + std::to_string(words.limit),
      {{"SESSION", "session"}, {"FROM", "from"}, {"UNTIL", "until"}, {"ENDED", "ended"}});
}

int device_quarantine(Api& api, const Console& console, const Words& words) {
  return act(api, console, words, "quarantine", {{"quarantined", true}});
}

int device_revoke(Api& api, const Console& console, const Words& words) {
  return act(api, console, words, "revoke", {{"revoked", true}});
}

int device_release(Api& api, const Console& console, const Words& words) {
  return act(api, console, words, "release", {{"quarantined", false}, {"revoked", false}});
}

int device_set_group(Api& api, const Console& console, const Words& words) {
  return act(api, console, words, "set_group", {{"group", words.to_group}});
}

int task_offloaded(Api& api, const Console& console, const Words& words) {
  Query query;
  query.put("state", words.state).put("device", words.device).put("kind", words.kind);
  query.put("failed", words.failed ? "true" : "");
  return list(api, console, "/tasks/offloaded" + query.text(), words.limit, kTaskRow);
}

int task_show(Api& api, const Console& console, const Words& words) {
  auto task = api.get("/tasks/offloaded/" + escaped(words.id));
  // A task that was sent to a device is not among those that devices gave.
  const bool sent = !task && task.error().code == Code::not_found;
  if (sent) return show_dispatched(api, console, words.id);
  std::vector<Column> columns = kTaskRow;
  for (Column& column : columns) column.wide = false;
  columns.insert(columns.end(), {{"STARTED", "started"}, {"ENDED", "ended"}});
  return present(console, task, columns);
}

namespace {

int show_placement(Api& api, const Console& console, const Words& words) {
  auto placement = api.get("/tasks/" + escaped(words.id) + "/placement");
  if (!placement) return complain(console, placement.error());
  const json::value& explanation = placement->at("explanation");
  if (console.format == Format::json || console.format == Format::ndjson) {
    show(console, *placement, {});
    return 0;
  }
  if (explanation.is_null()) {
    const json::string& missing = placement->at("missing").as_string();
    return complain(
        console, fail(Code::unavailable,
                      missing.empty() ? "its device tells no reason of it" : std::string(missing)));
  }
  Listing listing(console, {{"PLACE", "place"},
                            {"ELIGIBLE", "eligible"},
                            {"WAIT", "wait_s", As::seconds},
                            {"TRANSFER", "transfer_s", As::seconds},
                            {"RUN", "run_s", As::seconds},
                            {"SLOW", "slow_s", As::seconds},
                            {"SCORE", "score_s", As::seconds},
                            {"REASON", "reason"}});
  const json::array& candidates = explanation.at("candidates").as_array();
  // Where nothing was weighed, that reason is all there is.
  const bool weighed = candidates.empty() || candidates.at(0).at("score_s").is_number();
  if (!weighed && console.format != Format::csv) {
    console.out << printable(explanation.at("dominant").as_string()) << '\n';
  }
  for (const json::value& one : candidates) listing.add(one);
  listing.end();
  return 0;
}

// A cloud whose state is not the newest may have forgotten the task, or do it again.
void say_restored(Api& api, const Console& console) {
  const Result<json::value> summary = api.get("/fleet/summary");
  const json::value* restored = summary && summary->is_object()
                                    ? summary->as_object().if_contains("cloud_restored")
                                    : nullptr;
  if (!restored || !restored->is_string()) return;
  console.err
      << "note: at " << printable(restored->get_string())
      << " a device said that the cloud's state is not the newest, or not the only one: see "
         "spwctl doctor; what was accepted or done meanwhile may not be known here\n";
}

}  // namespace

int task_why(Api& api, const Console& console, const Words& words) {
  const int shown = show_placement(api, console, words);
  say_restored(api, console);
  return shown;
}

int task_trace(Api& api, const Console& console, const Words& words) {
  auto trace =
      api.get("/tasks/" + escaped(words.id) + "/trace" + (words.otlp ? "?format=otlp" : ""));
  if (!trace) return complain(console, trace.error());
  const json::array& spans = trace->at(words.otlp ? "resourceSpans" : "spans").as_array();
  if (words.otlp) {
    console.out << json::serialize(*trace) << '\n';
    return 0;
  }
  if (console.format == Format::json || console.format == Format::ndjson) {
    show(console, *trace, {});
    return 0;
  }
  Listing listing(console, {{"SPAN", "name"},
                            {"LANE", "lane"},
                            {"HOST", "host"},
                            {"FROM", "from_s", As::seconds},
                            {"TO", "to_s", As::seconds},
                            {"EPOCH", "epoch"},
                            {"NOTE", "note"}});
  for (const json::value& span : spans) listing.add(span);
  listing.end();
  return 0;
}

int task_tail(Api& api, const Console& console, const Words& words) {
  return tail(api, console, "tasks", kTaskRow, [&](const json::value& item) {
    return words.device.empty() || item.at("device").as_string() == words.device;
  });
}

int alert_list(Api& api, const Console& console, const Words& words) {
  Query query;
  query.put("firing", words.all ? "" : "true").put("severity", words.severity);
  query.put("device", words.device).put("rule", words.rule);
  return list(api, console, "/alerts" + query.text(), words.limit, kAlertRow);
}

int alert_ack(Api& api, const Console& console, const Words& words) {
  json::value body = json::object{{"note", words.note}};
  auto alert = api.call(Method::post, "/alerts/" + escaped(words.id) + "/acknowledge", &body);
  return present(console, alert, kAlertRow);
}

int alert_silence(Api& api, const Console& console, const Words& words) {
  json::object wanted{{"for_s", words.for_s}};
  const std::pair<const char*, const std::string*> members[] = {{"rule", &words.rule},
                                                                {"device", &words.device},
                                                                {"group", &words.group},
                                                                {"note", &words.note}};
  for (const auto& [name, value] : members) {
    if (!value->empty()) wanted[name] = *value;
  }
  json::value body = std::move(wanted);
  auto silence = api.call(Method::post, "/alerts/silences", &body);
  return present(console, silence,
                 {{"silence", "id"}, {"rule", "rule"}, {"device", "device"}, {"until", "until"}});
}

int alert_rules(Api& api, const Console& console, const Words&) {
  return whole_list(api, console, "/alerts/rules",
                    {{"RULE", "id"},
                     {"SEVERITY", "severity"},
                     {"SCOPE", "scope"},
                     {"SUBJECT", "subject"},
                     {"COMPARE", "compare"},
                     {"VALUE", "value"},
                     {"FOR", "lasting_s", As::seconds},
                     {"ON", "enabled"},
                     {"TITLE", "title"}});
}

int token_create(Api& api, const Console& console, const Words& words) {
  json::object wanted{{"name", words.name}, {"scope", words.scope}};
  if (words.expires_s > 0) wanted["expires_in_s"] = std::uint64_t(words.expires_s);
  json::value body = std::move(wanted);
  auto token = api.call(Method::post, "/tokens", &body);
  if (!token) return complain(console, token.error());
  if (console.format == Format::table || console.format == Format::wide) {
    const json::string& secret = token->at("secret").as_string();
    console.err << "This is the only time that the token is shown.\n";
    console.out << secret.c_str() << "\n";
    return 0;
  }
  return present(console, token, kTokenRow);
}

int login(Api& api, const Console& console, const Words& words) {
  const int made = token_create(api, console, words);
  (void)api.call(Method::del, "/session");
  return made;
}

int token_list(Api& api, const Console& console, const Words&) {
  return whole_list(api, console, "/tokens", kTokenRow);
}

int token_revoke(Api& api, const Console& console, const Words& words) {
  return remove(api, console, "/tokens/" + escaped(words.id));
}

int session_list(Api& api, const Console& console, const Words&) {
  return whole_list(api, console, "/sessions",
                    {{"SESSION", "id"},
                     {"NAME", "name"},
                     {"SCOPE", "scope"},
                     {"TOKEN", "token"},
                     {"FROM", "from"},
                     {"CREATED", "created", As::age},
                     {"EXPIRES", "expires"}});
}

int session_end(Api& api, const Console& console, const Words& words) {
  return remove(api, console, "/sessions/" + escaped(words.id));
}

int audit_list(Api& api, const Console& console, const Words& words) {
  return list(api, console, "/audit", words.limit,
              {{"AT", "at"},
               {"WHO", "who"},
               {"TOKEN", "token"},
               {"SESSION", "session"},
               {"FROM", "from"},
               {"OPERATION", "operation"},
               {"STATUS", "status"},
               {"TARGET", "target"},
               {"REQUEST", "request", As::plain, true}});
}

int cloud_show(Api& api, const Console& console, const Words&) {
  return show_at(api, console, "/cloud",
                 {{"name", "name"},
                  {"version", "version"},
                  {"up", "uptime_s", As::seconds},
                  {"draining", "draining"},
                  {"broker", "broker.uri"},
                  {"connected", "broker.connected"},
                  {"store", "store.directory"},
                  {"store restored", "store.restored"},
                  {"store bytes", "store.bytes"},
                  {"disk free bytes", "store.free_bytes"},
                  {"workers", "workers"},
                  {"held", "held"},
                  {"done", "counters.done"},
                  {"failed", "counters.failed"},
                  {"HTTP connections", "http.connections"},
                  {"event streams", "http.streams"}});
}

int kind_list(Api& api, const Console& console, const Words&) {
  return whole_list(api, console, "/kinds",
                    {{"KIND", "name"},
                     {"ACCEPTED", "accepted"},
                     {"DONE", "done"},
                     {"FAILED", "failed"},
                     {"P50", "run.p50_s", As::seconds},
                     {"P95", "run.p95_s", As::seconds}});
}

int event_tail(Api& api, const Console& console, const Words& words) {
  return tail(api, console, "events", kEventRow, [&](const json::value& item) {
    const json::value& device = item.at("device");
    return words.device.empty() || (device.is_string() && device.get_string() == words.device);
  });
}

}  // namespace spillway::ctl
