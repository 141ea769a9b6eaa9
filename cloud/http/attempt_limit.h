#pragma once

#include <algorithm>
#include <chrono>
#include <map>
#include <string>

#include "spillway/time.h"

namespace spillway::cloud::http {

// Allows each address a burst of failed attempts and then one every few seconds; remembers a
// bounded number of addresses and, when it has forgotten some, lets newcomers share one allowance.
// Without a clock: the caller says what time it is. One thread.
class AttemptLimit {
 public:
  static constexpr double kBurst = 10;
  static constexpr double kPerSecond = 0.2;
  static constexpr std::size_t kAddresses = 10'000;

  // How long this address has to wait before its next attempt counts; zero: it may try now.
  Duration wait(const std::string& address, Duration now) const {
    auto found = buckets_.find(key(address));
    if (found == buckets_.end()) return {};
    double level = found->second.level(now);
    if (level >= 1) return {};
    return std::chrono::ceil<Duration>(std::chrono::duration<double>((1 - level) / kPerSecond));
  }
  void failed(const std::string& address, Duration now) {
    if (buckets_.size() >= kAddresses) forget(now);
    Bucket& bucket = buckets_[key(address)];
    bucket = {std::max(bucket.level(now) - 1, 0.0), now};
  }

 private:
  struct Bucket {
    double left = kBurst;
    Duration at{};
    double level(Duration now) const {
      return std::min(kBurst, left + kPerSecond * std::chrono::duration<double>(now - at).count());
    }
  };

  std::string key(const std::string& address) const {
    return buckets_.size() < kAddresses || buckets_.contains(address) ? address : "";
  }
  void forget(Duration now) {
    std::erase_if(buckets_, [now](const auto& each) { return each.second.level(now) >= kBurst; });
  }

  std::map<std::string, Bucket> buckets_;
};

}  // namespace spillway::cloud::http
