#include "cloud/session/message_rates.h"

#include <CppUTest/TestHarness.h>

using namespace spillway;
using namespace std::chrono_literals;
using cloud::MessageRates;
using wire::Channel;

TEST_GROUP(MessageRates) {
  MessageRates rates;
  NodeTime now{1000s};

  int flood(const std::string& device, Channel channel, int messages) {
    int taken = 0;
    for (int i = 0; i < messages; ++i) taken += rates.take(device, channel, now) ? 1 : 0;
    return taken;
  }
};

TEST(MessageRates, every_class_has_a_limit_of_its_own) {
  for (const Channel channel : {Channel::task, Channel::ack, Channel::result, Channel::tel,
                                Channel::evt, Channel::state, Channel::ota, Channel::rsp}) {
    CHECK_EQUAL(int(MessageRates::limit_of(channel).burst), flood("pump-7", channel, 30'000));
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
}

TEST(MessageRates, a_clock_that_steps_back_gives_nothing) {
  flood("pump-7", Channel::state, 1000);
  now -= 1h;
  CHECK_EQUAL(0, flood("pump-7", Channel::state, 1));
}
