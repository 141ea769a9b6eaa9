#pragma once

#include <random>
#include <string>
#include <vector>

#include "common/wire/api.h"
#include "common/wire/messages.h"
#include "spillway/view.h"

namespace spillway::wire {

// Valid values of every type with every field set, drawn from a seed.
class Samples {
 public:
  explicit Samples(std::uint64_t seed) : random_(seed) {}

  std::uint64_t number(std::uint64_t from, std::uint64_t to);
  Bytes bytes(std::size_t max);
  TaskId id();
  TaskSpec spec();
  TaskResult result();
  Explanation explanation();
  EventView event();
  TaskView task();
  WhyReport why();
  NodeView node();
  LossReport loss_report();
  CommandReply command_reply();
  TaskStory task_story();
  Item item(std::size_t type);
  Item item() { return item(number(0, std::variant_size_v<Item> - 1)); }
  Message message();
  Presence presence();
  RequestBody request_body(std::size_t type);
  Request request();
  AnswerBody answer_body(std::size_t type);
  Answer answer();

 private:
  template <class E>
  E choice(E last) {
    return static_cast<E>(number(0, static_cast<std::uint64_t>(last)));
  }
  template <class T, class Make>
  std::vector<T> some(std::size_t max, Make make) {
    std::vector<T> values(number(1, max));
    for (T& value : values) value = make();
    return values;
  }
  std::string text(std::size_t max);
  std::string prose(std::size_t max);  // as people may be shown it
  std::string name();
  std::string place_name();
  Labels pairs();
  Digest digest();
  Payload payload(std::size_t max);
  Epoch epoch() { return Epoch{static_cast<std::uint32_t>(number(1, ~0u))}; }
  std::uint32_t small() { return static_cast<std::uint32_t>(number(0, ~0u)); }
  Duration span();
  Duration any_span();
  std::chrono::milliseconds ms();
  NodeTime time() { return NodeTime(any_span()); }
  Attempt attempt();
  Candidate candidate();
  PlaceView place();
  AttemptReport report();
  Offer offer();
  ResultItem result_item();
  Error error();
  Submitted::One submitted();

  std::mt19937_64 random_;
};

}  // namespace spillway::wire
