#include <boost/json.hpp>

#include "cloud/api/routes.h"
#include "cloud/api/service.h"
#include "cloud/api/views_json.h"

namespace spillway::cloud::api {
namespace {

json::array json_of_terms(const std::vector<BrokerTerm>& terms) {
  json::array all;
  for (const BrokerTerm& term : terms) {
    all.push_back(json::object{{"what", term.what}, {"hurts", term.hurts}});
  }
  return all;
}

json::value json_of_facts(const CloudFacts& facts, const http::ServerCounts& counts) {
  json::object counters;
  for (const auto& [name, value] : facts.counters) counters[name] = value;
  return json::object{{"name", facts.name},
                      {"version", facts.version},
                      {"started", time_or_null(facts.started)},
                      {"uptime_s", std::chrono::duration<double>(facts.uptime).count()},
                      {"draining", facts.draining},
                      {"broker", json::object{{"uri", facts.broker},
                                              {"connected", facts.connected},
                                              {"terms", json_of_terms(facts.broker_terms)}}},
                      {"store", json::object{{"directory", facts.directory},
                                             {"bytes", facts.store_bytes},
                                             {"free_bytes", facts.free_bytes},
                                             {"set_aside", json::value_from(facts.set_aside)},
                                             {"restored", time_or_null(facts.restored)},
                                             {"problem", facts.problem},
                                             {"doubts", json::value_from(facts.doubts)}}},
                      {"workers", facts.workers},
                      {"held", facts.held},
                      {"counters", std::move(counters)},
                      {"http", json::object{{"connections", counts.connections.load()},
                                            {"streams", counts.streams.load()}}}};
}

void cloud(Service& service, const Call& call, const Answer& answer) {
  QueryReader query(call.query);
  if (Status read = query.finish(); !read) return answer(problem(read.error()));
  service.bridge().look(
      answer, [&service](Fleet&) { return service.parts().facts(); },
      [&service](const CloudFacts& facts) {
        return json_response(json_of_facts(facts, service.counts()));
      });
}

// The kinds that the cloud has run, and those that it could.
void kinds(Service& service, const Call& call, const Answer& answer) {
  QueryReader query(call.query);
  if (Status read = query.finish(); !read) return answer(problem(read.error()));
  service.bridge().look(
      answer,
      [&service](Fleet& fleet) {
        std::vector<KindTotals> found = fleet.kinds();
        for (const std::string& name : service.parts().facts().kinds) {
          bool known = std::any_of(found.begin(), found.end(),
                                   [&](const KindTotals& each) { return each.kind == name; });
          if (!known) found.push_back(KindTotals{name, 0, 0, 0, {}});
        }
        std::sort(found.begin(), found.end(),
                  [](const KindTotals& a, const KindTotals& b) { return a.kind < b.kind; });
        return found;
      },
      [](const std::vector<KindTotals>& found) {
        return json_response(json::object{{"items", json_list(found)}});
      });
}

void stream(Service& service, const Call& call, const Answer& answer) {
  QueryReader query(call.query);
  std::string position = query.text("last_event_id").value_or("");
  if (Status read = query.finish(); !read) return answer(problem(read.error()));
  std::string_view header = call.request.header("last-event-id");
  if (!header.empty()) position = header;
  Response response;
  response.content_type = "text/event-stream";
  response.headers.emplace_back("cache-control", "no-store");
  response.headers.emplace_back("x-accel-buffering", "no");
  // HEAD asks what it would be, and gets no stream.
  if (call.request.method == Method::head) return answer(std::move(response));
  auto queue = service.hub().open(call.who, position);
  if (!queue) return answer(problem(queue.error()));
  response.events = *std::move(queue);
  answer(std::move(response));
}

void health(Service&, const Call&, const Answer& answer) {
  answer(json_response(json::object{{"status", "ok"}}));
}

// Ready: the loop answers, and the broker is there.
void ready(Service& service, const Call&, const Answer& answer) {
  service.bridge().look(
      answer, [&service](Fleet&) { return service.parts().facts(); },
      [](const CloudFacts& facts) {
        const char* status = facts.draining ? "draining" : facts.connected ? "ok" : "starting";
        json::object checks{{"loop", "ok"},
                            {"broker", facts.connected ? "ok" : "not connected"},
                            {"fleet_store", facts.store_problem.empty() ? "ok" : "cannot write"}};
        bool serves = facts.connected && !facts.draining;
        return json_response(json::object{{"status", status}, {"checks", std::move(checks)}},
                             serves ? 200 : 503);
      });
}

void metrics(Service& service, const Call&, const Answer& answer) {
  service.bridge().look(
      answer, [&service](Fleet&) { return service.parts().metrics(service.counts()); },
      [](const std::string& text) {
        Response response;
        response.content_type = "text/plain; version=0.0.4; charset=utf-8";
        response.body = text;
        return response;
      });
}

}  // namespace

std::span<const Route> cloud_routes() {
  static constexpr Route kRoutes[] = {
      {Method::get, "/cloud", "getCloud", Scope::read, cloud},
      {Method::get, "/kinds", "listKinds", Scope::read, kinds},
      {Method::get, "/stream", "stream", Scope::read, stream},
      {Method::get, "/healthz", "getHealthz", std::nullopt, health},
      {Method::get, "/readyz", "getReadyz", std::nullopt, ready},
      {Method::get, "/metrics", "getMetrics", Scope::read, metrics},
  };
  return kRoutes;
}

}  // namespace spillway::cloud::api
