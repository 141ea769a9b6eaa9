#include "cloud/app/front.h"

#include <algorithm>
#include <filesystem>

#include "cloud/metrics/cloud_metrics.h"
#include "common/process/log.h"
#include "common/sqlite/store_file.h"
#include "spillway/version.h"

namespace spillway::cloud {
namespace {

std::vector<std::pair<std::string, std::uint64_t>> named(const NodeCounters& counters) {
  return {{"accepted", counters.accepted},   {"refused", counters.refused},
          {"done", counters.done},           {"failed", counters.failed},
          {"answered", counters.answered},   {"repeated", counters.repeated},
          {"malformed", counters.malformed}, {"barred", counters.barred},
          {"flooding", counters.flooded},    {"damaged", counters.damaged}};
}

void look_into(const std::string& directory, api::CloudFacts& facts) {
  std::error_code error;
  for (const auto& entry : std::filesystem::directory_iterator(directory, error)) {
    const std::uint64_t size = entry.is_regular_file(error) ? entry.file_size(error) : 0;
    if (!error) facts.store_bytes += size;
    const std::string name = entry.path().filename().string();
    if (sqlite::is_set_aside(name)) facts.set_aside.push_back(name);
  }
  std::sort(facts.set_aside.begin(), facts.set_aside.end());
}

}  // namespace

Front::Front(FrontOptions options, Fleet& fleet, Node& node, const kinds::KindRegistry& kinds,
             const Clock& clock)
    : options_(std::move(options)),
      fleet_(fleet),
      node_(node),
      kinds_(kinds),
      clock_(clock),
      started_wall_(clock.wall_time()),
      started_(clock.boot_time()) {}

Result<std::unique_ptr<Front>> Front::open(FrontOptions options, process::Loop& loop, Fleet& fleet,
                                           Node& node, const kinds::KindRegistry& kinds,
                                           const Clock& clock) {
  std::unique_ptr<Front> front(new Front(std::move(options), fleet, node, kinds, clock));
  api::ServiceParts parts;
  parts.loop = &loop;
  parts.fleet = &fleet;
  parts.dispatch = node.dispatch();
  parts.command = [&node](const std::string& device, wire::Command command,
                          Fleet::Done<std::string> done) {
    node.command(device, command, std::move(done));
  };
  parts.ask_story = [&node](TaskId task, Fleet::Done<std::string> done) {
    node.ask_story(task, std::move(done));
  };
  parts.cancel_offloaded = [&node](TaskId id) { return node.cancel(id); };
  parts.facts = [raw = front.get()] { return raw->facts(); };
  parts.metrics = [raw = front.get()](const http::ServerCounts& counts) {
    return raw->metrics(counts);
  };
  parts.wall = [&clock] { return clock.wall_time(); };
  parts.assets = http::assets();
  auto service = api::Service::start(front->options_.service, std::move(parts));
  if (!service) return service.error();
  front->service_ = *std::move(service);
  process::log(process::Level::info, "serving HTTP", {{"url", front->service_->url()}});
  if (!front->service_->link().empty()) {
    // The link itself is a secret, and logs travel: it is in a file that only its owner reads.
    process::log(process::Level::info, "open the link in this file to log in; it works once",
                 {{"file", front->options_.service.state_dir + "/link.txt"}});
  }
  return front;
}

void Front::drain() {
  draining_ = true;
  service_->drain();
}

api::CloudFacts Front::facts() const {
  api::CloudFacts facts;
  facts.name = options_.name;
  facts.version = kVersion;
  facts.started = started_wall_;
  facts.uptime = clock_.boot_time() - started_;
  facts.draining = draining_;
  facts.broker = options_.broker;
  facts.connected = node_.connected();
  facts.broker_terms = node_.broker_terms();
  facts.directory = options_.service.state_dir;
  look_into(facts.directory, facts);
  facts.restored = node_.own_life().since();
  facts.problem = node_.own_life().problem();
  facts.doubts = options_.doubts;
  facts.store_problem = fleet_.store_problem();
  std::error_code error;
  auto space = std::filesystem::space(facts.directory, error);
  facts.free_bytes = error ? 0 : space.available;
  facts.workers = options_.workers;
  facts.held = node_.held();
  facts.counters = named(node_.counters());
  for (const Kind* kind : kinds_.list()) facts.kinds.push_back(kind->name);
  return facts;
}

std::string Front::metrics(const http::ServerCounts& counts) const {
  CloudMetrics metrics;
  metrics.version = kVersion;
  metrics.uptime_s = std::chrono::duration<double>(clock_.boot_time() - started_).count();
  metrics.broker_connected = node_.connected();
  metrics.held = node_.held();
  metrics.attempts = named(node_.counters());
  metrics.fleet = fleet_.summary();
  metrics.kinds = fleet_.kinds();
  metrics.http = {counts.connections, counts.streams,   counts.requests,
                  counts.turned_away, counts.timed_out, counts.malformed};
  return prometheus_text(metrics);
}

}  // namespace spillway::cloud
