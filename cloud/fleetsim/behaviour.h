#pragma once

#include <cstdint>
#include <memory>
#include <random>
#include <string>
#include <vector>

#include "common/wire/telemetry.h"

// What a simulated device does, from a seed alone. Pure: two runs with the same seed measure the
// same at the same times.
namespace spillway::fleetsim {

// A recorded link, a second a row.
struct LinkTrace {
  std::vector<float> capacity;  // bytes per second
  std::vector<float> rtt;       // seconds
  std::vector<float> loss;      // 0 to 1; 1: an outage
};
// CSV of t_s,capacity_kbit_s,rtt_ms,loss_pct; a gap in t_s is an outage.
Result<LinkTrace> read_link_trace(const std::string& path);

// Shares of the fleet, and how often what happens.
struct Habits {
  double bursty = 0.2;       // devices whose queues fill from time to time
  double hot = 0.02;         // devices that run at 80 °C and more
  double slow_clock = 0.01;  // devices whose clock falls behind
  double on_battery = 0.1;
  double lossy = 0.01;     // devices that lose data now and then
  double outages = 0.5;    // an hour and device, without recorded links
  double restarts = 0.05;  // an hour and device
};

class Behaviour {
 public:
  Behaviour(std::uint64_t seed, const Habits& habits, std::shared_ptr<const LinkTrace> link);

  // Takes the device to a later time, in seconds since the run began.
  void advance(double to);
  bool reachable() const { return now_ >= outage_until_; }
  // Grows with each restart of the device.
  std::uint32_t starts() const { return starts_; }
  // How far its clock is behind.
  Duration behind() const;
  void measure(wire::Telemetry& into) const;
  // A task of this device was answered by the cloud.
  void answered() { done_cloud_ += 1; }

 private:
  double chance() { return std::uniform_real_distribution<double>(0, 1)(random_); }
  bool happens(double per_hour, double seconds);
  void restart();
  void follow_link();
  void work(double seconds);

  std::mt19937_64 random_;
  Habits habits_;
  std::shared_ptr<const LinkTrace> link_;
  bool bursty_, hot_, slow_, battery_, lossy_;
  double now_ = 0, started_ = 0, outage_until_ = 0, link_offset_ = 0;
  double load_ = 0.2, queue_ = 0, arrivals_, burst_until_ = 0, heat_ = 45, charge_ = 1;
  double done_local_ = 0, done_cloud_ = 0;
  std::int64_t lost_ = 0, failed_ = 0;
  std::uint32_t starts_ = 1;
  unsigned cores_;
};

}  // namespace spillway::fleetsim
