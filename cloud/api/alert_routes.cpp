#include <boost/json.hpp>
#include <charconv>

#include "cloud/api/paging.h"
#include "cloud/api/routes.h"
#include "cloud/api/service.h"
#include "cloud/api/views_json.h"

namespace spillway::cloud::api {
namespace {

constexpr std::size_t kName = 63, kNote = 500, kTitle = 200;  // bytes
constexpr double kMonth = 30 * 24 * 3600.0, kWeek = 7 * 24 * 3600.0;

Duration seconds_of(double seconds) {
  return std::chrono::round<Duration>(std::chrono::duration<double>(seconds));
}

Response nothing() { return Response{204, "", {}, "", {}, nullptr}; }

Result<std::uint64_t> number_of(const std::string& text) {
  std::uint64_t number = 0;
  auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error == std::errc{} && end == text.data() + text.size()) return number;
  return fail(Code::not_found, "there is no '" + text.substr(0, 80) + "'");
}

void list(Service& service, const Call& call, const Answer& answer) {
  QueryReader query(call.query);
  Paging paging(call, query, service.access().cursor_key());
  AlertFilter filter;
  filter.firing = query.flag("firing");
  filter.device = query.text("device").value_or("");
  filter.rule = query.text("rule").value_or("");
  filter.severity = query.word("severity", severity_of, severity_names());
  filter.before = paging.before();
  filter.limit = paging.limit();
  if (Status read = query.finish(); !read) return answer(problem(read.error()));
  if (!paging.status()) return answer(problem(paging.status().error()));
  service.bridge().look(
      answer, [filter](Fleet& fleet) { return fleet.alerts(filter); },
      [paging](const std::vector<Alert>& alerts) {
        std::optional<std::string> next;
        if (alerts.size() == paging.limit()) next = paging.next(std::to_string(alerts.back().id));
        return json_response(page_of(alerts, next));
      });
}

void acknowledge(Service& service, const Call& call, const Answer& answer) {
  BodyReader body(call.body);
  std::string note = body.text("note", kNote).value_or("");
  if (Status read = body.finish(); !read) return answer(problem(read.error()));
  Result<std::uint64_t> id = number_of(call.at("alert"));
  if (!id) return answer(problem(id.error()));
  service.bridge().wait<Alert>(
      answer,
      [id = *id, note, by = call.who.name](Fleet& fleet, Fleet::Done<Alert> done) {
        fleet.acknowledge(
            id, by, note, [&fleet, id, done = std::move(done)](const Result<void>& kept) {
              if (!kept) return done(kept.error());
              AlertFilter one;
              one.before = id + 1;
              one.limit = 1;
              std::vector<Alert> found = fleet.alerts(one);
              if (found.empty() || found[0].id != id) {
                return done(fail(Code::not_found, "there is no alert " + std::to_string(id)));
              }
              done(found[0]);
            });
      },
      [](const Alert& alert) { return json_response(json_of(alert)); });
}

void rules(Service& service, const Call& call, const Answer& answer) {
  QueryReader query(call.query);
  if (Status read = query.finish(); !read) return answer(problem(read.error()));
  service.bridge().look(
      answer, [](Fleet& fleet) { return fleet.rules(); },
      [](const std::vector<AlertRule>& found) {
        return json_response(json::object{{"items", json_list(found)}});
      });
}

Result<AlertRule> read_rule(const Call& call) {
  BodyReader body(call.body);
  AlertRule rule;
  rule.id = call.at("rule");
  rule.title = body.required("title", body.text("title", kTitle));
  std::string severity = body.required("severity", body.text("severity", kName));
  std::string scope = body.required("scope", body.text("scope", kName));
  rule.subject = body.required("subject", body.text("subject", kName));
  std::string compare = body.required("compare", body.text("compare", kName));
  rule.value = body.required("value", body.number("value", -1e18, 1e18));
  rule.lasting = seconds_of(body.required("lasting_s", body.number("lasting_s", 0, kWeek)));
  rule.group = body.required("group", body.text("group", kName));
  rule.enabled = body.required("enabled", body.flag("enabled"));
  auto known = severity_of(severity);
  if (!known) body.refuse("severity", "must be info, warning or critical");
  rule.severity = known.value_or(Severity::info);
  if (scope != "device" && scope != "fleet") body.refuse("scope", "must be device or fleet");
  rule.scope = scope == "fleet" ? AlertRule::Scope::fleet : AlertRule::Scope::device;
  if (compare != "above" && compare != "below" && compare != "is") {
    body.refuse("compare", "must be above, below or is");
  }
  rule.compare = compare == "above"   ? AlertRule::Compare::above
                 : compare == "below" ? AlertRule::Compare::below
                                      : AlertRule::Compare::is;
  bool good_id =
      rule.id.size() <= kName &&
      rule.id.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789_-") == std::string::npos;
  if (!good_id) body.refuse("rule", "its id is 1 to 63 of a-z, 0-9, '_' and '-'");
  if (Status read = body.finish(); !read) return read.error();
  return rule;
}

void put_rule(Service& service, const Call& call, const Answer& answer) {
  Result<AlertRule> rule = read_rule(call);
  if (!rule) return answer(problem(rule.error()));
  service.bridge().wait<void>(
      answer,
      [rule = *rule](Fleet& fleet, Fleet::Done<void> done) {
        fleet.put_rule(rule, std::move(done));
      },
      [rule = *rule] { return json_response(json_of(rule)); });
}

void drop_rule(Service& service, const Call& call, const Answer& answer) {
  service.bridge().wait<void>(
      answer,
      [id = call.at("rule")](Fleet& fleet, Fleet::Done<void> done) {
        fleet.drop_rule(id, std::move(done));
      },
      nothing);
}

void silences(Service& service, const Call& call, const Answer& answer) {
  QueryReader query(call.query);
  if (Status read = query.finish(); !read) return answer(problem(read.error()));
  service.bridge().look(
      answer, [](Fleet& fleet) { return fleet.silences(); },
      [](const std::vector<Silence>& found) {
        return json_response(json::object{{"items", json_list(found)}});
      });
}

void silence(Service& service, const Call& call, const Answer& answer) {
  BodyReader body(call.body);
  Silence made;
  made.rule = body.text("rule", kName).value_or("");
  made.device = body.text("device", kName).value_or("");
  made.group = body.text("group", kName).value_or("");
  made.note = body.text("note", kNote).value_or("");
  made.by = call.who.name;
  made.until = call.now + seconds_of(body.required("for_s", body.number("for_s", 1, kMonth)));
  if (Status read = body.finish(); !read) return answer(problem(read.error()));
  service.bridge().wait<std::uint64_t>(
      answer,
      [made](Fleet& fleet, Fleet::Done<std::uint64_t> done) {
        fleet.silence(made, std::move(done));
      },
      [made](std::uint64_t id) {
        Silence kept = made;
        kept.id = id;
        return json_response(json_of(kept), 201);
      });
}

void end_silence(Service& service, const Call& call, const Answer& answer) {
  Result<std::uint64_t> id = number_of(call.at("silence"));
  if (!id) return answer(problem(id.error()));
  service.bridge().wait<void>(
      answer,
      [id = *id](Fleet& fleet, Fleet::Done<void> done) { fleet.end_silence(id, std::move(done)); },
      nothing);
}

}  // namespace

std::span<const Route> alert_routes() {
  static constexpr Route kRoutes[] = {
      {Method::get, "/alerts", "listAlerts", Scope::read, list},
      {Method::post, "/alerts/{alert}/acknowledge", "acknowledgeAlert", Scope::operate,
       acknowledge},
      {Method::get, "/alerts/rules", "listAlertRules", Scope::read, rules},
      {Method::put, "/alerts/rules/{rule}", "putAlertRule", Scope::admin, put_rule},
      {Method::del, "/alerts/rules/{rule}", "dropAlertRule", Scope::admin, drop_rule},
      {Method::get, "/alerts/silences", "listSilences", Scope::read, silences},
      {Method::post, "/alerts/silences", "silence", Scope::operate, silence},
      {Method::del, "/alerts/silences/{silence}", "endSilence", Scope::operate, end_silence},
  };
  return kRoutes;
}

}  // namespace spillway::cloud::api
