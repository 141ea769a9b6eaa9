#include "cloud/fleet/presence.h"

#include <random>

#include <CppUTest/TestHarness.h>

using namespace spillway;
using namespace spillway::cloud;

namespace {

wire::Presence said(std::uint64_t session, bool online, std::uint64_t boot = 1) {
  wire::Presence presence;
  presence.session = session;
  presence.online = online;
  presence.boot = BootId{boot};
  return presence;
}

}  // namespace

TEST_GROUP(Presence) { PresenceState device; };

TEST(Presence, a_birth_comes_and_the_will_of_its_session_goes) {
  CHECK(on_state(device, said(5, true)) == PresenceStep::came);
  CHECK(device.online);
  CHECK(on_state(device, said(5, false)) == PresenceStep::went);
  CHECK_FALSE(device.online);
}

TEST(Presence, a_late_will_never_marks_a_live_device_dead) {
  CHECK(on_state(device, said(5, true)) == PresenceStep::came);
  CHECK(on_state(device, said(6, true)) == PresenceStep::came);
  CHECK(on_state(device, said(5, false)) == PresenceStep::stale);
  CHECK(device.online);
}

TEST(Presence, a_frame_of_a_newer_session_makes_the_old_will_late) {
  CHECK(on_state(device, said(5, true)) == PresenceStep::came);
  CHECK(on_frame(device, 6) == PresenceStep::came);
  CHECK(on_state(device, said(5, false)) == PresenceStep::stale);
  CHECK(on_state(device, said(6, true)) == PresenceStep::same);
  CHECK(device.online);
}

TEST(Presence, frames_overtaken_by_their_will_change_nothing) {
  CHECK(on_state(device, said(5, true)) == PresenceStep::came);
  CHECK(on_state(device, said(5, false)) == PresenceStep::went);
  CHECK(on_frame(device, 5) == PresenceStep::stale);
  CHECK(on_state(device, said(5, true)) == PresenceStep::stale);
  CHECK_FALSE(device.online);
}

TEST(Presence, a_device_that_fell_silent_is_back_with_its_next_frame) {
  CHECK(on_state(device, said(5, true)) == PresenceStep::came);
  CHECK(on_silence(device) == PresenceStep::went);
  CHECK(on_silence(device) == PresenceStep::same);
  CHECK(on_frame(device, 5) == PresenceStep::came);
  CHECK(device.online);
}

TEST(Presence, a_will_after_silence_ends_the_session) {
  CHECK(on_state(device, said(5, true)) == PresenceStep::came);
  CHECK(on_silence(device) == PresenceStep::went);
  CHECK(on_state(device, said(5, false)) == PresenceStep::went);
  CHECK(on_frame(device, 5) == PresenceStep::stale);
}

TEST(Presence, a_device_made_anew_may_count_its_sessions_from_the_start) {
  CHECK(on_state(device, said(50, true, 1)) == PresenceStep::came);
  CHECK(on_state(device, said(51, true, 2)) == PresenceStep::came);
  CHECK(on_state(device, said(50, true, 1)) == PresenceStep::stale);  // of the boot before
  CHECK(on_state(device, said(3, true, 3)) == PresenceStep::came);
  CHECK(device.session == 3);
}

TEST(Presence, a_device_made_anew_is_not_taken_for_the_one_that_said_goodbye_under_its_number) {
  CHECK(on_state(device, said(3, true, 7)) == PresenceStep::came);
  CHECK(on_state(device, said(3, false, 7)) == PresenceStep::went);
  CHECK(on_state(device, said(3, true, 8)) == PresenceStep::came);
  CHECK(on_state(device, said(3, false, 7)) == PresenceStep::stale);
  CHECK(device.online);
  CHECK(on_frame(device, 3) == PresenceStep::same);
  CHECK(on_state(device, said(3, false, 8)) == PresenceStep::went);
}

TEST(Presence, of_two_with_one_identity_the_one_that_is_left_is_there_once_the_other_has_gone) {
  CHECK(on_state(device, said(5, true, 1)) == PresenceStep::came);
  CHECK(on_state(device, said(900, true, 2)) == PresenceStep::came);
  CHECK(on_state(device, said(6, true, 1)) == PresenceStep::stale);
  CHECK(on_state(device, said(900, false, 2)) == PresenceStep::went);
  CHECK(on_state(device, said(7, true, 1)) == PresenceStep::came);
  CHECK(on_frame(device, 7) == PresenceStep::same);
  CHECK(on_state(device, said(900, false, 2)) == PresenceStep::stale);
  CHECK(device.online);
  CHECK(on_state(device, said(7, false, 1)) == PresenceStep::went);
}

TEST(Presence, a_late_will_of_the_store_before_says_nothing_of_the_one_that_was_made_anew) {
  CHECK(on_state(device, said(50, true, 1)) == PresenceStep::came);
  CHECK(on_state(device, said(3, true, 2)) == PresenceStep::came);
  CHECK(on_state(device, said(50, false, 1)) == PresenceStep::stale);
  CHECK(device.online);
}

TEST(Presence, in_any_order_a_device_is_online_if_its_newest_session_is) {
  // Births, frames and wills of sessions 1 to 20, in an order where each session's own keep theirs.
  for (unsigned seed = 0; seed < 2000; ++seed) {
    std::mt19937_64 random(seed);
    device = {};
    std::vector<int> stage(21, 0);  // 0 birth, 1 frame, 2 will, 3 done; the last never dies
    CHECK(on_state(device, said(20, true)) == PresenceStep::came);
    for (int step = 0; step < 100; ++step) {
      auto session = 1 + random() % 19;
      int& at = stage[session];
      if (at == 0) (void)on_state(device, said(session, true));
      if (at == 1) (void)on_frame(device, session);
      if (at == 2) (void)on_state(device, said(session, false));
      if (at < 3) ++at;
      CHECK(device.online);
      CHECK_EQUAL(20U, device.session);
    }
  }
}
