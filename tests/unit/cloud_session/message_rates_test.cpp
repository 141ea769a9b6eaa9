#include "cloud/session/message_rates.h"

#include <set>

#include <CppUTest/TestHarness.h>

using namespace spillway;
using namespace std::chrono_literals;
using cloud::MessageRates;
using wire::Channel;
using ItemClass = MessageRates::ItemClass;

namespace {

// An item of each type that a device sends.
const wire::Item kItems[] = {
    wire::Offer{},      wire::ResultItem{}, wire::Accept{},       wire::Nack{},
    wire::Beat{},       wire::BeatAck{},    wire::ResultAck{},    wire::Cancel{},
    wire::Credits{},    wire::Echo{},       wire::LossReport{},   wire::TaskStory{},
    wire::LifeNotice{}, wire::LossAck{},    wire::UpdateReport{}, wire::CommandReply{},
};

}  // namespace

TEST_GROUP(MessageRates) {
  MessageRates::Limits limits = MessageRates::limits(10'000);
  MessageRates rates{limits};
  NodeTime now{1000s};

  // A channel or an item.
  template <class What>
  int flood(const std::string& device, const What& what, int times) {
    int taken = 0;
    for (int i = 0; i < times; ++i) taken += rates.take(device, what, now) ? 1 : 0;
    return taken;
  }
};

TEST(MessageRates, every_channel_has_a_limit_of_its_own) {
  for (const Channel channel : {Channel::task, Channel::ack, Channel::result, Channel::tel,
                                Channel::evt, Channel::state, Channel::ota, Channel::rsp}) {
    CHECK_EQUAL(int(limits.of(channel).burst), flood("pump-7", channel, 30'000));
  }
}

TEST(MessageRates, every_class_of_items_has_a_limit_of_its_own) {
  std::set<ItemClass> seen;
  for (const wire::Item& item : kItems) {
    const ItemClass its = MessageRates::class_of(item);
    const int left = seen.insert(its).second ? int(limits.of(its).burst) : 0;
    CHECK_EQUAL(left, flood("pump-7", item, 50'000));
  }
  CHECK_EQUAL(MessageRates::kItemClasses, seen.size());
}

TEST(MessageRates, what_the_cloud_writes_or_remembers_for_an_item_is_bounded_by_the_item) {
  for (const wire::Item& item : {wire::Item(wire::UpdateReport{}), wire::Item(wire::LossReport{}),
                                 wire::Item(wire::TaskStory{}), wire::Item(wire::CommandReply{})}) {
    int taken = 0;
    for (int second = 0; second < 100; ++second, now += 1s) taken += flood("pump-7", item, 640);
    CHECK(taken <= 400 + 100 * 20);
  }
}

// 100,000 tasks as fast as anything brings them, with all that is said for each.
TEST(MessageRates, a_device_that_drains_a_long_queue_passes) {
  const int messages = 100'000 / 64;
  const wire::Item said[] = {wire::Offer{}, wire::ResultAck{}, wire::BeatAck{}, wire::ResultItem{}};
  for (int i = 0; i < messages; ++i, now += 64'000'000us / 18'000) {
    for (const wire::Item& item : said) CHECK_EQUAL(64, flood("pump-7", item, 64));
    CHECK_EQUAL(2, flood("pump-7", Channel::task, 2));
  }
}

TEST(MessageRates, a_device_that_offers_all_that_it_may_have_here_again_at_once_passes) {
  for (const std::uint32_t held : {1U, 25'000U}) {
    rates.set_limits(MessageRates::limits(held));
    for (int restart = 0; restart < 2; ++restart) {
      CHECK_EQUAL(int(held), flood("pump-7", wire::Item(wire::Offer{}), int(held)));
      CHECK_EQUAL(int(held), flood("pump-7", wire::Item(wire::BeatAck{}), int(held)));
    }
    now += 1h;
  }
}

// Report after acknowledgement, for ten seconds; and credits that move all the time.
TEST(MessageRates, a_device_that_was_away_for_long_passes) {
  for (int i = 0; i < 200; ++i, now += 50ms) {
    CHECK(rates.take("pump-7", wire::LossReport{}, now));
    CHECK(rates.take("pump-7", wire::Credits{}, now));
  }
}

TEST(MessageRates, a_flood_goes_on_at_the_rate_and_is_counted) {
  flood("pump-7", Channel::state, 1000);
  CHECK_EQUAL(880, rates.refused());
  now += 10s;
  CHECK_EQUAL(20, flood("pump-7", Channel::state, 1000));
}

TEST(MessageRates, one_device_takes_nothing_from_another) {
  flood("pump-7", Channel::state, 1000);
  CHECK_EQUAL(10, flood("pump-8", Channel::state, 10));
  flood("pump-7", wire::Item(wire::UpdateReport{}), 1000);
  CHECK_EQUAL(10, flood("pump-8", wire::Item(wire::UpdateReport{}), 10));
}

TEST(MessageRates, a_clock_that_steps_back_gives_nothing) {
  flood("pump-7", Channel::state, 1000);
  now -= 1h;
  CHECK_EQUAL(0, flood("pump-7", Channel::state, 1));
}
