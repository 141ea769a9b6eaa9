#include "agent/telemetry/textfile.h"

#include <sys/stat.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <fstream>
#include <initializer_list>

namespace spillway::agent {
namespace {

using wire::Metric;

struct Sample {
  const char* labels;
  Metric metric;
};
struct Family {
  const char* name;
  const char* type;
  const char* help;
  double unit;  // of one on the wire
  std::initializer_list<Sample> samples;
};

const Family kFamilies[] = {
    {"tasks_queued",
     "gauge",
     "Tasks ready to run here, by band.",
     1,
     {{"{band=\"urgent\"}", Metric::queued_band0},
      {"{band=\"high\"}", Metric::queued_band1},
      {"{band=\"normal\"}", Metric::queued_band2},
      {"{band=\"background\"}", Metric::queued_band3}}},
    {"tasks_waiting",
     "gauge",
     "Tasks that wait for a time, a dependency or a person.",
     1,
     {{"", Metric::waiting}}},
    {"tasks_running",
     "gauge",
     "Attempts under way, by place.",
     1,
     {{"{place=\"local\"}", Metric::running_local}, {"{place=\"cloud\"}", Metric::running_cloud}}},
    {"tasks_accepted_total", "counter", "Tasks accepted here.", 1, {{"", Metric::accepted}}},
    {"tasks_done_total",
     "counter",
     "Tasks that succeeded, by place.",
     1,
     {{"{place=\"local\"}", Metric::done_local}, {"{place=\"cloud\"}", Metric::done_cloud}}},
    {"tasks_failed_total", "counter", "Tasks that failed for good.", 1, {{"", Metric::failed}}},
    {"tasks_expired_total",
     "counter",
     "Tasks that passed their deadline.",
     1,
     {{"", Metric::expired}}},
    {"results_duplicate_total",
     "counter",
     "Late or repeated results that were suppressed.",
     1,
     {{"", Metric::duplicates}}},
    {"lost_total",
     "counter",
     "Tasks and results that gave way, of the loss ledger, over all starts.",
     1,
     {{"", Metric::lost}}},
    {"lost_at_least",
     "gauge",
     "1: the store was damaged, and nobody knows how much more was lost.",
     1,
     {{"", Metric::lost_at_least}}},
    {"telemetry_lost_total",
     "counter",
     "Samples that found no link, of the loss ledger, over all starts.",
     1,
     {{"", Metric::samples_lost}}},
    {"tasks_dispatched",
     "gauge",
     "Tasks dispatched to this device, not done.",
     1,
     {{"", Metric::dispatched}}},
    {"tasks_dispatched_done_total",
     "counter",
     "Of those, run to an end.",
     1,
     {{"", Metric::dispatched_done}}},
    {"outbox_messages",
     "gauge",
     "Messages that the cloud has not acknowledged.",
     1,
     {{"", Metric::outbox}}},
    {"outbox_oldest_age_seconds",
     "gauge",
     "Age of the oldest of them.",
     1e-3,
     {{"", Metric::outbox_age_ms}}},
    {"cpu_ratio", "gauge", "Load of all cores.", 1e-3, {{"", Metric::cpu_permille}}},
    {"memory_used_bytes", "gauge", "Memory in use.", 1, {{"", Metric::memory_used}}},
    {"memory_size_bytes", "gauge", "Memory of the machine.", 1, {{"", Metric::memory_total}}},
    {"temperature_celsius", "gauge", "The hottest zone.", 1e-3, {{"", Metric::temperature_mc}}},
    {"throttled",
     "gauge",
     "1: heat or voltage holds the clock down.",
     1,
     {{"", Metric::throttled}}},
    {"disk_free_bytes", "gauge", "Free where the store lies.", 1, {{"", Metric::disk_free}}},
    {"disk_size_bytes", "gauge", "Size of that disk.", 1, {{"", Metric::disk_total}}},
    {"store_size_bytes", "gauge", "Size of the store.", 1, {{"", Metric::store_bytes}}},
    {"flash_written_bytes_total",
     "counter",
     "Written to storage by this process.",
     1,
     {{"", Metric::flash_written}}},
    {"battery_ratio", "gauge", "Charge of the battery.", 1e-3, {{"", Metric::battery_permille}}},
    {"on_battery", "gauge", "1: the battery discharges.", 1, {{"", Metric::on_battery}}},
    {"link_round_trip_seconds", "gauge", "To the cloud and back.", 1e-6, {{"", Metric::rtt_us}}},
    {"link_loss_ratio",
     "gauge",
     "Heartbeats and echoes that were lost.",
     1e-3,
     {{"", Metric::loss_permille}}},
    {"link_bandwidth_bytes_per_second", "gauge", "Estimate upwards.", 1, {{"", Metric::bandwidth}}},
    {"link_bytes_total",
     "counter",
     "Payloads, by direction.",
     1,
     {{"{direction=\"up\"}", Metric::bytes_up}, {"{direction=\"down\"}", Metric::bytes_down}}},
    {"clock_error_seconds",
     "gauge",
     "Estimated error of the wall clock.",
     1e-6,
     {{"", Metric::clock_error_us}}},
    {"certificate_expiry_timestamp_seconds",
     "gauge",
     "When the device's certificate ends.",
     1,
     {{"", Metric::certificate_expires_s}}},
    {"uptime_seconds", "gauge", "Of the process.", 1, {{"", Metric::uptime_s}}},
    {"updating", "gauge", "1: an update is installed or tried out.", 1, {{"", Metric::updating}}},
    {"draining", "gauge", "1: it takes no tasks.", 1, {{"", Metric::draining}}},
};

std::string number(std::int64_t value, double unit) {
  char text[32];
  if (unit == 1) {
    std::snprintf(text, sizeof text, "%lld", static_cast<long long>(value));
  } else {
    std::snprintf(text, sizeof text, "%.9g", double(value) * unit);
  }
  return text;
}

void add(std::string& text, const Family& family, const wire::Metrics& metrics) {
  std::string samples;
  const std::string name = std::string("spillway_agent_") + family.name;
  for (const Sample& sample : family.samples) {
    const auto value = metrics.find(sample.metric);
    if (value) samples += name + sample.labels + " " + number(*value, family.unit) + "\n";
  }
  if (samples.empty()) return;
  text += "# HELP " + name + " " + family.help + "\n# TYPE " + name + " " + family.type + "\n";
  text += samples;
}

Error problem(const std::string& what, const std::string& path) {
  return fail(Code::io, what + " " + path + ": " + std::strerror(errno));
}

}  // namespace

std::string prometheus_text(const wire::Metrics& metrics, const std::string& version) {
  std::string text =
      "# HELP spillway_agent_info The agent that wrote this.\n"
      "# TYPE spillway_agent_info gauge\n"
      "spillway_agent_info{version=\"" +
      version + "\"} 1\n";
  for (const Family& family : kFamilies) add(text, family, metrics);
  return text;
}

Status replace_file(const std::string& path, const std::string& text) {
  const std::string beside = path + ".tmp";
  std::ofstream file(beside, std::ios::binary | std::ios::trunc);
  if (!file) return problem("cannot write", beside);
  file << text;
  file.close();
  if (!file) return problem("cannot write", beside);
  // node_exporter runs as another user.
  if (::chmod(beside.c_str(), 0644) != 0) return problem("cannot let others read", beside);
  if (std::rename(beside.c_str(), path.c_str()) != 0) return problem("cannot replace", path);
  return {};
}

void remove_file(const std::string& path) {
  std::remove(path.c_str());
  std::remove((path + ".tmp").c_str());
}

}  // namespace spillway::agent
