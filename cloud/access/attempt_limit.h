#pragma once

#include <algorithm>
#include <chrono>
#include <map>
#include <string>

#include "spillway/time.h"

namespace spillway::cloud::access {

// Allows each address a burst of failed attempts and then one every few seconds, unless told
// another measure; remembers a bounded number of addresses and, when it has forgotten some, lets
// newcomers share one allowance.
// Without a clock: the caller says what time it is. One thread.
class AttemptLimit {
 public:
  static constexpr double kBurst = 10;
  static constexpr double kPerSecond = 0.2;
  static constexpr std::size_t kAddresses = 10'000;

  explicit AttemptLimit(double burst = kBurst, double per_second = kPerSecond)
      : burst_(burst), per_second_(per_second) {}

  // How long this address has to wait before its next attempt counts; zero: it may try now.
  Duration wait(const std::string& address, Duration now) const {
    auto found = buckets_.find(key(address));
    if (found == buckets_.end()) return {};
    double left = level(found->second, now);
    if (left >= 1) return {};
    return std::chrono::ceil<Duration>(std::chrono::duration<double>((1 - left) / per_second_));
  }
  void failed(const std::string& address, Duration now) {
    if (buckets_.size() >= kAddresses) forget(now);
    Bucket& bucket = buckets_.try_emplace(key(address), Bucket{burst_, now}).first->second;
    bucket = {std::max(level(bucket, now) - 1, 0.0), now};
  }

 private:
  struct Bucket {
    double left;
    Duration at;
  };

  double level(const Bucket& bucket, Duration now) const {
    double since = std::chrono::duration<double>(now - bucket.at).count();
    return std::min(burst_, bucket.left + per_second_ * since);
  }
  std::string key(const std::string& address) const {
    return buckets_.size() < kAddresses || buckets_.contains(address) ? address : "";
  }
  void forget(Duration now) {
    std::erase_if(buckets_, [&](const auto& each) { return level(each.second, now) >= burst_; });
  }

  double burst_, per_second_;
  std::map<std::string, Bucket> buckets_;
};

}  // namespace spillway::cloud::access
