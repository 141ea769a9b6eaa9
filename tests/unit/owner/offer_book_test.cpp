#include "common/owner/offer_book.h"

#include <deque>
#include <functional>

#include <CppUTest/TestHarness.h>

using namespace spillway;
using namespace spillway::owner;

TEST_GROUP(OfferBook) {
  OfferBook book{kCloud, "pump-7"};
  std::deque<OwnedTask> tasks;
  NodeTime now{std::chrono::seconds(100)};

  void setup() override { come(1); }
  bool come(std::uint64_t session) {
    wire::Presence presence;
    presence.online = true;
    presence.session = session;
    return book.on_presence(presence);
  }
  // Leased there, with an OFFER that is not acknowledged.
  OwnedTask& offer(Band band = Band::normal, double seconds = 1) {
    OwnedTask& task = tasks.emplace_back();
    task.seq = tasks.size();
    TaskSpec spec;
    spec.band = band;
    task.spec = std::make_shared<const TaskSpec>(spec);
    task.spec_bytes = std::make_shared<const Bytes>(100);
    task.seconds_there = seconds;
    become(task, leased(true));
    book.owe(task, *task.away_at(book.id()));
    return task;
  }
  void become(OwnedTask & task, const lifecycle::OwnerTask& state) {
    task.state = state;
    book.track(task);
  }
  void accept(OwnedTask & task) { become(task, leased(false)); }
  static lifecycle::OwnerTask leased(bool offer_pending) {
    lifecycle::OwnerTask state{.state = TaskState::leased};
    state.live.push_back({.epoch = Epoch{1}, .place = kCloud, .offer_pending = offer_pending});
    return state;
  }
  std::uint64_t send(bool urgent, bool quiet = true) {
    const std::optional<std::uint64_t> seq = book.next(urgent, now, quiet);
    if (seq) book.on_sent(tasks[*seq - 1], now);
    return seq.value_or(0);
  }
};

TEST(OfferBook, has_room_for_what_the_credits_say_less_what_is_there) {
  UNSIGNED_LONGS_EQUAL(0, book.room());
  book.set_credits(wire::Credits{2, {}, 1, 0});
  UNSIGNED_LONGS_EQUAL(2, book.room());
  OwnedTask& one = offer();
  offer();
  offer();
  UNSIGNED_LONGS_EQUAL(0, book.room());
  UNSIGNED_LONGS_EQUAL(3, book.held());
  become(one, {.state = TaskState::succeeded});
  UNSIGNED_LONGS_EQUAL(2, book.held());
}

TEST(OfferBook, counts_how_long_what_is_there_runs_until_it_is_back) {
  OwnedTask& one = offer(Band::normal, 0.1);
  OwnedTask& other = offer(Band::normal, 0.2);
  DOUBLES_EQUAL(0.3, book.held_seconds(), 1e-9);
  become(one, {.state = TaskState::ready});
  DOUBLES_EQUAL(0.2, book.held_seconds(), 1e-9);
  become(other, {.state = TaskState::ready});
  CHECK(book.held_seconds() == 0);
}

TEST(OfferBook, an_acknowledged_offer_is_held_and_no_longer_pending) {
  OwnedTask& task = offer();
  UNSIGNED_LONGS_EQUAL(1, book.pending().size());
  UNSIGNED_LONGS_EQUAL(100, book.pending_bytes());
  accept(task);
  CHECK(book.pending().empty());
  UNSIGNED_LONGS_EQUAL(0, book.pending_bytes());
  UNSIGNED_LONGS_EQUAL(1, book.held());
  CHECK_FALSE(book.owing());
}

TEST(OfferBook, an_offer_goes_out_once_and_again_when_nothing_comes_back) {
  offer();
  UNSIGNED_LONGS_EQUAL(1, send(false));
  UNSIGNED_LONGS_EQUAL(0, send(false));
  now += OfferBook::kResendAfter;
  UNSIGNED_LONGS_EQUAL(0, send(false, false));  // it still waits on this side
  UNSIGNED_LONGS_EQUAL(1, send(false));
}

TEST(OfferBook, a_new_session_has_to_hear_it_again_and_the_same_one_has_not) {
  offer();
  UNSIGNED_LONGS_EQUAL(1, send(false));
  CHECK_FALSE(come(1));
  UNSIGNED_LONGS_EQUAL(0, send(false));
  CHECK(come(2));
  UNSIGNED_LONGS_EQUAL(1, send(false));
}

TEST(OfferBook, who_was_away_and_is_back_in_its_session_has_to_hear_it_again) {
  offer();
  UNSIGNED_LONGS_EQUAL(1, send(false));
  book.on_gone();
  CHECK_FALSE(book.online());
  CHECK(come(1));
  UNSIGNED_LONGS_EQUAL(1, send(false));
}

TEST(OfferBook, credits_of_a_session_that_is_over_say_nothing) {
  const wire::Credits credits{2, {}, 1, 0};
  const auto room_after = [&](const std::function<void()>& change) {
    come(1);
    book.set_credits(credits);
    UNSIGNED_LONGS_EQUAL(2, book.room());
    change();
    return book.room();
  };
  UNSIGNED_LONGS_EQUAL(2, room_after([this] { come(1); }));
  UNSIGNED_LONGS_EQUAL(0, room_after([this] { come(2); }));
  UNSIGNED_LONGS_EQUAL(0, room_after([this] { book.on_gone(); }));
  UNSIGNED_LONGS_EQUAL(0, room_after([this] { book.on_presence({}); }));
}

TEST(OfferBook, credits_of_who_was_never_heard_of_count_when_it_is) {
  OfferBook newcomer{kCloud, "pump-8"};
  newcomer.set_credits({2, {}, 1, 0});
  wire::Presence presence;
  presence.online = true;
  presence.session = 1;
  CHECK(newcomer.on_presence(presence));
  UNSIGNED_LONGS_EQUAL(2, newcomer.room());
}

TEST(OfferBook, an_urgent_offer_does_not_wait_behind_a_backlog) {
  offer(Band::background);
  offer(Band::urgent);
  UNSIGNED_LONGS_EQUAL(2, send(true));
  UNSIGNED_LONGS_EQUAL(1, send(false));
  UNSIGNED_LONGS_EQUAL(0, send(true));
}
