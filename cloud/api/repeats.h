#pragma once

#include <deque>
#include <map>
#include <optional>
#include <string>

#include "cloud/http/exchange.h"
#include "common/crypto/sha256.h"
#include "spillway/time.h"

namespace spillway::cloud::api {

// Answers to POSTs by Idempotency-Key, for as long as the process lives and at most a day, so that
// a client that did not hear the answer may ask again. Bounded; the oldest goes first. Without a
// clock. One thread.
class Repeats {
 public:
  static constexpr std::size_t kMax = 10'000;
  static constexpr auto kKept = std::chrono::hours(24);

  enum class State : std::uint8_t { fresh, under_way, answered, other_body };
  struct Found {
    State state = State::fresh;
    std::optional<http::Response> answer;
  };

  // `key` names caller, operation, target and key. A fresh one is from now on under way.
  Found begin(const std::string& key, const std::string& body, Duration now) {
    while (!order_.empty() &&
           (order_.size() >= kMax || entries_[order_.front()].at + kKept <= now)) {
      entries_.erase(order_.front());
      order_.pop_front();
    }
    Digest digest = crypto::sha256(as_bytes(body));
    auto [entry, fresh] = entries_.try_emplace(key, Entry{digest, now, std::nullopt});
    if (fresh) {
      order_.push_back(key);
      return {};
    }
    if (entry->second.body != digest) return {State::other_body, std::nullopt};
    if (!entry->second.answer) return {State::under_way, std::nullopt};
    return {State::answered, entry->second.answer};
  }
  // Failures of ours are not kept: the next attempt may go better.
  void end(const std::string& key, const http::Response& answer) {
    auto found = entries_.find(key);
    if (found == entries_.end()) return;
    if (answer.status < 500) {
      found->second.answer = answer;
      return;
    }
    std::erase(order_, key);
    entries_.erase(found);
  }

 private:
  struct Entry {
    Digest body{};
    Duration at{};
    std::optional<http::Response> answer;
  };
  std::map<std::string, Entry> entries_;
  std::deque<std::string> order_;
};

}  // namespace spillway::cloud::api
