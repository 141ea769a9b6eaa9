#include "cloud/fleetsim/behaviour.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <fstream>

namespace spillway::fleetsim {
namespace {

using wire::Metric;

constexpr double kHour = 3600;
constexpr double kSlowBy = 0.01;  // a slow clock loses so much of each second

bool parse_row(const std::string& line, double (&values)[4]) {
  const char* at = line.data();
  const char* end = at + line.size();
  for (double& value : values) {
    auto [stop, error] = std::from_chars(at, end, value);
    if (error != std::errc() || !(value >= 0 && value < 1e9)) return false;
    at = stop < end ? stop + 1 : stop;
  }
  return true;
}

}  // namespace

Result<LinkTrace> read_link_trace(const std::string& path) {
  constexpr std::size_t kLongest = 24 * 3600;
  std::ifstream file(path);
  if (!file) return fail(Code::not_found, "cannot read the link trace " + path);
  LinkTrace trace;
  std::string line;
  std::getline(file, line);
  double row[4];
  while (std::getline(file, line) && trace.loss.size() < kLongest) {
    if (!parse_row(line, row)) {
      std::string text = path;
      text.append(": a line is not t_s,capacity_kbit_s,rtt_ms,loss_pct: ").append(line);
      return fail(Code::invalid_argument, std::move(text));
    }
    while (double(trace.loss.size()) < std::min(row[0], double(kLongest))) {
      trace.capacity.push_back(0);
      trace.rtt.push_back(0);
      trace.loss.push_back(1);
    }
    trace.capacity.push_back(float(row[1] * 125));
    trace.rtt.push_back(float(row[2] / 1000));
    trace.loss.push_back(float(row[3] / 100));
  }
  if (trace.loss.empty()) return fail(Code::invalid_argument, path + " is empty");
  return trace;
}

Behaviour::Behaviour(std::uint64_t seed, const Habits& habits,
                     std::shared_ptr<const LinkTrace> link)
    : random_(seed), habits_(habits), link_(std::move(link)) {
  bursty_ = chance() < habits.bursty;
  hot_ = chance() < habits.hot;
  slow_ = chance() < habits.slow_clock;
  battery_ = chance() < habits.on_battery;
  lossy_ = chance() < habits.lossy;
  arrivals_ = 0.2 + 2 * chance();
  charge_ = 0.3 + 0.7 * chance();
  cores_ = chance() < 0.5 ? 2 : 4;
  // No device started just now, and no two are at the same place of the same road.
  started_ = -kHour * 24 * chance();
  if (link_) link_offset_ = chance() * double(link_->loss.size());
}

bool Behaviour::happens(double per_hour, double seconds) {
  return chance() < 1 - std::exp(-per_hour * seconds / kHour);
}

void Behaviour::advance(double to) {
  double seconds = to - now_;
  if (seconds <= 0) return;
  now_ = to;
  if (link_) follow_link();
  if (!link_ && happens(habits_.outages, seconds)) outage_until_ = now_ + 5 + 115 * chance();
  if (happens(habits_.restarts, seconds)) restart();
  if (bursty_ && happens(20, seconds)) burst_until_ = now_ + 30 + 60 * chance();
  if (lossy_ && happens(10, seconds)) lost_ += 1 + std::int64_t(20 * chance());
  if (happens(2, seconds)) failed_ += 1;
  work(seconds);
}

void Behaviour::follow_link() {
  auto at = std::size_t(now_ + link_offset_) % link_->loss.size();
  if (link_->loss[at] >= 1) outage_until_ = std::max(outage_until_, now_ + 2);
}

void Behaviour::restart() {
  started_ = now_;
  starts_ += 1;
  done_local_ = done_cloud_ = 0;
  failed_ = 0;
}

// More work than the cores take goes to the cloud while it can be reached, and waits otherwise.
void Behaviour::work(double seconds) {
  double arriving = arrivals_ * (now_ < burst_until_ ? 10 : 1) * (0.8 + 0.4 * chance());
  double able = 0.6 + arrivals_ * 1.5;
  double todo = queue_ + arriving * seconds;
  double here = std::min(todo, able * seconds);
  double there = reachable() ? std::min(todo - here, 4 * able * seconds) : 0;
  queue_ = todo - here - there;
  done_local_ += here;
  done_cloud_ += there;
  load_ = std::clamp(here / (able * seconds) * 0.9 + 0.1 * chance(), 0.0, 1.0);
  double warm = (hot_ ? 72 : 38) + 22 * load_;
  heat_ += (warm - heat_) * std::min(1.0, seconds / 60);
  if (battery_) charge_ = charge_ < 0.05 ? 1 : charge_ - seconds / (10 * kHour);
}

Duration Behaviour::behind() const {
  return slow_ ? Duration(std::int64_t((now_ - started_) * kSlowBy * 1e6)) : Duration{};
}

void Behaviour::measure(wire::Telemetry& into) const {
  auto set = [&](Metric metric, double value) {
    into.metrics.set(metric, std::int64_t(std::llround(value)));
  };
  set(Metric::queued_band2, queue_);
  set(Metric::waiting, 0);
  set(Metric::running_local, std::ceil(load_ * cores_));
  set(Metric::running_cloud, queue_ > 0 && reachable() ? 4 : 0);
  set(Metric::outbox, std::min(queue_, 64.0));
  set(Metric::outbox_age_ms, reachable() ? 0 : 1000 * std::max(0.0, outage_until_ - now_));
  set(Metric::done_local, std::floor(done_local_));
  set(Metric::done_cloud, std::floor(done_cloud_));
  set(Metric::failed, double(failed_));
  set(Metric::lost, double(lost_));
  set(Metric::local_p50_us, 8000 + 4000 * load_);
  set(Metric::local_p95_us, 20'000 + 60'000 * load_);
  set(Metric::cloud_p50_us, 45'000);
  set(Metric::cloud_p95_us, 160'000);
  set(Metric::cpu_permille, 1000 * load_);
  set(Metric::memory_total, 1 << 30);
  set(Metric::memory_used, (0.3 + 0.2 * load_) * (1 << 30));
  set(Metric::temperature_mc, 1000 * std::round(heat_ * 2) / 2);
  set(Metric::disk_total, 8.0 * (1 << 30));
  set(Metric::disk_free, 5.5 * (1 << 30));
  set(Metric::uptime_s, now_ - started_);
  set(Metric::clock_source, double(slow_ ? wire::ClockSource::rtc : wire::ClockSource::ntp));
  if (battery_) {
    set(Metric::battery_permille, 1000 * std::max(0.0, charge_));
    set(Metric::on_battery, 1);
  }
  set(Metric::link_type, double(link_ ? wire::LinkType::cellular : wire::LinkType::ethernet));
  if (link_) {
    auto at = std::size_t(now_ + link_offset_) % link_->loss.size();
    set(Metric::rtt_us, double(link_->rtt[at]) * 1e6);
    set(Metric::loss_permille, double(link_->loss[at]) * 1000);
    set(Metric::bandwidth, double(link_->capacity[at]));
  } else {
    set(Metric::rtt_us, 4000);
  }
  for (unsigned core = 0; core < cores_; ++core) {
    into.cores.push_back(std::uint8_t(100 * load_));
  }
  into.kernel = "6.1.0-sim";
}

}  // namespace spillway::fleetsim
