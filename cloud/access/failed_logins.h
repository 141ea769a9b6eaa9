#pragma once

#include <algorithm>
#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "spillway/time.h"

namespace spillway::cloud::access {

// Attempts to come in that failed, counted by address since the start: strangers leave sums and no
// lines. Bounded: who was not seen for longest goes into one sum of all others, whose address is
// empty. One thread.
class FailedLogins {
 public:
  static constexpr std::size_t kAddresses = 1000;
  struct Sum {
    std::string from;
    std::uint64_t count = 0;
    Duration first{}, last{};  // since 1970
  };

  void add(const std::string& from, Duration now) {
    if (sums_.size() >= kAddresses && !sums_.contains(from)) merge_oldest();
    Sum& sum = sums_[from];
    if (sum.count++ == 0) sum = {from, 1, now, now};
    sum.last = now;
  }
  std::vector<Sum> list() const {
    std::vector<Sum> all;
    for (const auto& [from, sum] : sums_) all.push_back(sum);
    if (others_.count > 0) all.push_back(others_);
    return all;
  }

 private:
  void merge_oldest() {
    auto oldest = sums_.begin();
    for (auto each = sums_.begin(); each != sums_.end(); ++each) {
      if (each->second.last < oldest->second.last) oldest = each;
    }
    const Sum& gone = oldest->second;
    others_.first = others_.count == 0 ? gone.first : std::min(others_.first, gone.first);
    others_.last = std::max(others_.last, gone.last);
    others_.count += gone.count;
    sums_.erase(oldest);
  }

  std::map<std::string, Sum> sums_;
  Sum others_;
};

}  // namespace spillway::cloud::access
