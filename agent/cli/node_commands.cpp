#include "agent/cli/commands.h"
#include "agent/cli/describe.h"
#include "agent/cli/json_views.h"
#include "agent/cli/text.h"
#include "spillway/version.h"

namespace spillway::cli {
namespace {

constexpr std::chrono::milliseconds kShortPatience{1'000};

}  // namespace

Result<int> run_drain(Session& session, const DrainOptions& options) {
  const bool on = !options.off;
  Result<std::chrono::milliseconds> patience = parse_duration(options.timeout);
  if (!patience) return std::move(patience).error();
  Result<wire::Done> done = session.ask<wire::Done>(wire::DrainRequest{on}, *patience);
  if (!done && on && done.error().code == Code::timeout) {
    return fail(Code::timeout, "it drains, but something still runs after " + options.timeout +
                                   "; see: spillway ls --state running");
  }
  if (!done) return std::move(done).error();
  if (session.json()) {
    JsonWriter json;
    session.console().out << json.begin_object().member("draining", on).end_object().text() << '\n';
  } else {
    session.console().out << (on ? "draining\n" : "working\n");
  }
  return kOk;
}

Result<int> run_places(Session& session) {
  Result<NodeView> node = session.ask<NodeView>(wire::StatusRequest{});
  if (!node) return std::move(node).error();
  if (session.json()) {
    session.console().out << json_list(node->places) << '\n';
  } else {
    print_places(session.console(), node->places);
  }
  return kOk;
}

Result<int> run_losses(Session& session) {
  Result<NodeView> node = session.ask<NodeView>(wire::StatusRequest{});
  if (!node) return std::move(node).error();
  if (session.json()) {
    session.console().out << json_list(node->losses) << '\n';
  } else {
    print_losses(session.console(), node->losses);
  }
  return kOk;
}

// JSON whether asked for or not: it is for programs that draw it.
Result<int> run_trace(Session& session) {
  Result<wire::Trace> trace = session.ask<wire::Trace>(wire::TraceRequest{});
  if (!trace) return std::move(trace).error();
  session.console().out << trace->json << '\n';
  return kOk;
}

Result<int> run_status(Session& session) {
  Result<NodeView> node = session.ask<NodeView>(wire::StatusRequest{});
  if (!node) return std::move(node).error();
  if (session.json()) {
    session.console().out << json_text(*node) << '\n';
  } else {
    print_node(session.console(), *node);
  }
  return kOk;
}

Result<int> run_version(Session& session) {
  const Result<NodeView> node = session.ask<NodeView>(wire::StatusRequest{}, kShortPatience);
  if (session.json()) {
    JsonWriter json;
    json.begin_object().member("spillway", kVersion).key("agent");
    node ? json.value(node->version) : json.null();
    session.console().out << json.end_object().text() << '\n';
    return kOk;
  }
  session.console().out << "spillway " << kVersion << '\n';
  if (node) session.console().out << "agent    " << printable(node->version) << '\n';
  return kOk;
}

}  // namespace spillway::cli
