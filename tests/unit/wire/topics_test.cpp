#include "common/wire/topics.h"

#include <cstdio>
#include <set>

#include <CppUTest/TestHarness.h>

using namespace spillway;
using namespace spillway::wire;

namespace {

bool refused(const std::string& text) {
  Result<Topic> topic = parse_topic(text);
  return !topic && topic.error().code == Code::invalid_argument && !topic.error().message.empty();
}

std::string shard_text(std::string_view device) {
  char text[3];
  std::snprintf(text, sizeof text, "%02x", shard_of(device));
  return text;
}

}  // namespace

TEST_GROUP(Topics){};

TEST(Topics, crc32c_agrees_with_the_published_vectors) {
  UNSIGNED_LONGS_EQUAL(0xE3069283, crc32c("123456789"));
  UNSIGNED_LONGS_EQUAL(0, crc32c(""));
  UNSIGNED_LONGS_EQUAL(0x8A9136AA, crc32c(std::string(32, '\0')));  // RFC 3720, B.4
  UNSIGNED_LONGS_EQUAL(0x62A8AB43, crc32c(std::string(32, '\xFF')));
}

TEST(Topics, a_topic_names_shard_device_direction_and_channel) {
  std::string expected = "spw/1/" + shard_text("pi-4b") + "/pi-4b/up/result";
  STRCMP_EQUAL(expected.c_str(), to_string(Topic{"pi-4b", Direction::up, Channel::result}).c_str());
}

TEST(Topics, every_channel_of_each_direction_survives_printing_and_parsing) {
  const std::set<Channel> up = {Channel::state, Channel::task, Channel::ack, Channel::result,
                                Channel::tel,   Channel::evt,  Channel::ota, Channel::rsp};
  const std::set<Channel> down = {Channel::ack, Channel::result, Channel::task,
                                  Channel::cfg, Channel::ota,    Channel::rpc};
  for (int i = 0; i <= static_cast<int>(Channel::rpc); ++i) {
    for (Direction direction : {Direction::up, Direction::down}) {
      Topic topic{"dev-1", direction, static_cast<Channel>(i)};
      const auto& known = direction == Direction::up ? up : down;
      Result<Topic> parsed = parse_topic(to_string(topic));
      CHECK_EQUAL(known.count(topic.channel) == 1, parsed.ok());
      if (parsed) CHECK(*parsed == topic);
    }
  }
}

TEST(Topics, devices_spread_over_all_64_shards) {
  std::set<unsigned> shards;
  for (int i = 0; i < 1000; ++i) shards.insert(shard_of("device-" + std::to_string(i)));
  UNSIGNED_LONGS_EQUAL(64, shards.size());
  CHECK(*shards.rbegin() < 64);
}

TEST(Topics, another_devices_shard_is_refused) {
  std::string other = shard_text("dev-1") == "00" ? "01" : "00";
  CHECK(refused("spw/1/" + other + "/dev-1/up/task"));
}

TEST(Topics, a_shard_in_capitals_or_of_another_length_is_refused) {
  for (int i = 0; i < 200; ++i) {
    std::string device = "device-" + std::to_string(i);
    std::string shard = shard_text(device);
    if (shard.find_first_of("abcdef") == shard.npos) continue;
    for (char& c : shard) c = static_cast<char>(std::toupper(c));
    CHECK(refused(std::string("spw/1/").append(shard).append("/").append(device) + "/up/task"));
  }
  CHECK(refused("spw/1//dev-1/up/task"));
  CHECK(refused("spw/1/0" + shard_text("dev-1") + "/dev-1/up/task"));
}

TEST(Topics, device_names_with_dots_wildcards_slashes_or_wrong_length_are_refused) {
  for (const std::string& device :
       {std::string("a.b.c"), std::string("dev+1"), std::string("dev#1"), std::string("+"),
        std::string("#"), std::string("dev/1"), std::string(), std::string("ab"),
        std::string(64, 'a'), std::string("-dev"), std::string("Dev-1"), std::string("dev 1"),
        std::string("dev\0x", 5), std::string("d\xC3\xA9v")}) {
    CHECK(refused("spw/1/" + shard_text(device) + "/" + device + "/up/task"));
  }
}

TEST(Topics, the_longest_device_name_is_taken) {
  std::string device(63, 'z');
  CHECK(parse_topic(to_string(Topic{device, Direction::down, Channel::result})).ok());
}

TEST(Topics, text_that_is_not_a_topic_is_refused) {
  std::string good = to_string(Topic{"dev-1", Direction::up, Channel::task});
  for (const std::string& text :
       {std::string(), std::string("/"), std::string("//////"), std::string(kCloudState),
        good + "/", good + "/x", "/" + good, good + " ", good.substr(0, good.size() - 1),
        std::string("spw/2") + good.substr(5), std::string("xyz/1") + good.substr(5),
        std::string(100'000, '/'), std::string(100'000, 'a')}) {
    CHECK(refused(text));
  }
}

TEST(Topics, an_overlong_topic_is_quoted_only_in_part) {
  CHECK(parse_topic(std::string(100'000, 'a')).error().message.size() < 300);
}
