#include "agent/cli/doctor.h"

#include <algorithm>

#include "agent/cli/bindings.h"
#include "agent/cli/installation.h"
#include "agent/cli/json_writer.h"
#include "agent/cli/probes.h"
#include "agent/cli/text.h"
#include "agent/cli/torture.h"
#include "common/mqtt/password.h"

namespace spillway::cli {
namespace {

constexpr std::chrono::milliseconds kPatience{5'000};

using Findings = std::vector<Finding>;

void look_at_disk(const Installation& installed, const std::string& socket, Findings& findings) {
  const std::string& directory = installed.state_directory;
  const Result<DirectoryFacts> facts = look_at_directory(directory, socket);
  findings.push_back(check_state_directory(facts));
  if (!facts || !facts->is_directory) return;
  findings.push_back(check_space(look_at_space(directory)));
  findings.push_back(check_sync(time_sync(directory)));
}

Finding ids_not_tried() {
  return {"broker", Grade::warn,
          "whether it binds client ids is not tried: it might end the agent's connection for that",
          "to have it tried, stop spillway-agent, run doctor, and start it again"};
}

void look_at_link(const Installation& installed, const Result<NodeView>& node, bool asked,
                  Findings& findings) {
  if (installed.broker && installed.broker->tls && !installed.broker->tls->cert_file.empty()) {
    const mqtt::Tls& tls = *installed.broker->tls;
    const auto info = crypto::read_certificate({tls.cert_file, tls.key_file, tls.ca_file});
    findings.push_back(check_certificate(installed.device, info, look_at_clock().wall));
  }
  if (installed.broker && !installed.broker->password_file.empty()) {
    findings.push_back(check_password(mqtt::check_secrets(installed.broker->password_file, "")));
  }
  // A broker that binds names to certificates gives a second connection the agent's id, and ends
  // the agent's for it: so only an agent that has none, or does not run, is spoken for.
  const bool absent =
      !node && node.error().code == Code::unavailable && !has_open_store(installed.state_directory);
  const bool cut_off = node && node->broker_terms.empty();
  if (!absent && !(asked && cut_off)) {
    if (asked) findings.push_back(ids_not_tried());
    return;
  }
  if (!installed.broker) return findings.push_back(check_broker("", {}));
  const auto terms = try_bindings(*installed.broker);
  findings.push_back(check_broker(installed.broker->uri, terms ? Status() : terms.error()));
  if (!terms) return;
  for (Finding& term : check_terms(*terms)) findings.push_back(std::move(term));
}

Findings examine(Session& session, const DoctorOptions& options) {
  Findings findings;
  const Result<Installation> installed = read_installation(options.config);
  findings.push_back(check_config(options.config, installed ? Status() : installed.error()));
  // The configuration knows better than the default, but not than who names a socket.
  if (installed && session.socket() == kDefaultSocket) session.set_socket(installed->socket);
  const Result<NodeView> node = session.ask<NodeView>(wire::StatusRequest{}, kPatience);
  findings.push_back(check_agent(session.socket(), node));
  findings.push_back(check_clock(look_at_clock()));
  if (installed) {
    look_at_disk(*installed, session.socket(), findings);
    look_at_link(*installed, node, options.broker, findings);
  }
  if (node) {
    findings.push_back(check_link(*node));
    findings.push_back(check_store(*node, look_at_clock().wall));
    findings.push_back(check_room(*node));
    findings.push_back(check_losses(*node));
    findings.push_back(check_identity(*node));
    findings.push_back(check_kinds(*node));
    for (Finding& term : check_terms(node->broker_terms)) findings.push_back(std::move(term));
  }
  return findings;
}

Colour colour_of(Grade grade) {
  return grade == Grade::ok ? Colour::green : grade == Grade::warn ? Colour::yellow : Colour::red;
}

}  // namespace

void print_findings(const Console& console, const std::vector<Finding>& findings) {
  for (const Finding& finding : findings) {
    std::string grade(to_string(finding.grade));
    grade.resize(4, ' ');
    std::string check = finding.check;
    check.resize(std::max<std::size_t>(check.size(), 15), ' ');
    console.out << paint(console, colour_of(finding.grade), grade) << "  " << check << "  "
                << printable(finding.what) << '\n';
    if (!finding.advice.empty()) {
      console.out << std::string(23, ' ') << "-> " << printable(finding.advice) << '\n';
    }
  }
}

std::string json_findings(const std::vector<Finding>& findings) {
  JsonWriter json;
  json.begin_array();
  for (const Finding& finding : findings) {
    json.begin_object().member("check", finding.check).member("grade", to_string(finding.grade));
    json.member("what", finding.what).member("advice", finding.advice).end_object();
  }
  return json.end_array().text();
}

Result<int> run_doctor(Session& session, const DoctorOptions& options) {
  if (options.torture) {
    const Result<Installation> installed = read_installation(options.config);
    TortureOptions torture{*options.torture, {}};
    if (installed) torture.folder = installed->state_directory;
    return run_torture(session, torture);
  }
  const Findings findings = examine(session, options);
  if (session.json()) {
    session.console().out << json_findings(findings) << '\n';
  } else {
    print_findings(session.console(), findings);
  }
  const bool failed = std::any_of(findings.begin(), findings.end(), [](const Finding& finding) {
    return finding.grade == Grade::fail;
  });
  return failed ? kFailed : kOk;
}

}  // namespace spillway::cli
