#include "cloud/node/device_requests.h"

#include <optional>
#include <vector>

#include "tests/unit/cloud_node/cloud_world.h"

#include <CppUTest/TestHarness.h>

using namespace spillway;
using namespace spillway::test;
using cloud::DeviceRequests;

TEST_GROUP(DeviceRequests) {
  std::vector<std::pair<std::string, wire::Command>> sent;
  DeviceRequests requests{[this](const std::string& device, wire::Command command) {
    if (room) sent.emplace_back(device, command);
    return room;
  }};
  bool room = true;
  std::optional<Result<std::string>> answer;
  NodeTime now{1s};

  void ask(const std::string& device = "pump-7") {
    answer.reset();
    requests.ask(device, {0, wire::CommandKind::logs, 9}, now,
                 [this](Result<std::string> said) { answer = std::move(said); });
  }
  Code refusal() const { return answer && !*answer ? (*answer).error().code : Code::io; }
};

TEST(DeviceRequests, the_reply_of_the_device_that_was_asked_is_the_answer) {
  ask();
  CHECK_EQUAL(9, sent.at(0).second.lines);
  const std::uint64_t token = sent[0].second.token;
  requests.on("pump-8", {token, std::nullopt, "forged"});
  requests.on("pump-7", {token + 1, std::nullopt, "another"});
  CHECK_FALSE(answer.has_value());
  requests.on("pump-7", {token, std::nullopt, "a line\n\x1b[2J\n"});
  STRCMP_EQUAL("a line\n?[2J\n", (*answer)->c_str());
  answer.reset();
  requests.on("pump-7", {token, std::nullopt, "again"});
  CHECK_FALSE(answer.has_value());
}

TEST(DeviceRequests, what_finds_no_room_to_go_out_is_refused_at_once_and_not_waited_for) {
  room = false;
  ask();
  CHECK(refusal() == Code::busy);
  CHECK(requests.expire(now) == kNever);
}

TEST(DeviceRequests, a_refusal_names_the_device) {
  ask();
  requests.on("pump-7", {sent[0].second.token, Code::unsupported, "no log"});
  CHECK(refusal() == Code::unsupported);
  STRCMP_EQUAL("pump-7: no log", (*answer).error().message.c_str());
}

TEST(DeviceRequests, who_goes_or_does_not_answer_is_given_up) {
  ask();
  requests.on_gone("pump-8");
  CHECK_FALSE(answer.has_value());
  requests.on_gone("pump-7");
  CHECK(refusal() == Code::unavailable);
  ask();
  CHECK(requests.expire(now) == now + DeviceRequests::kPatience);
  CHECK(requests.expire(now + DeviceRequests::kPatience) == kNever);
  CHECK(refusal() == Code::timeout);
}

TEST(DeviceRequests, no_more_than_so_many_are_under_way) {
  for (std::size_t i = 0; i < DeviceRequests::kMost; ++i) ask();
  CHECK_FALSE(answer.has_value());
  ask();
  CHECK(refusal() == Code::busy);
  LONGS_EQUAL(DeviceRequests::kMost, sent.size());
}
