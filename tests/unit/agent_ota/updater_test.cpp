#include "agent/ota/updater.h"

#include <algorithm>
#include <filesystem>
#include <iterator>
#include <stdexcept>
#include <vector>

#include "tests/support/temp_dir.h"

// Last: it redefines new.
#include <CppUTest/TestHarness.h>

using namespace spillway;
using namespace spillway::ota;

namespace {

struct PowerCut : std::runtime_error {
  PowerCut() : std::runtime_error("the power was cut") {}
};

// A device with two slots, as long-lived as its disk; the power fails before the call `cut_at`.
struct World : Slots, Device, Source {
  std::string offered = "1.1";                     // the bundle's version; 1.0 runs
  std::string slot = "A", next = "A", written_by;  // what the other slot holds
  std::vector<std::string> good{"A"};
  Health health{true, true, false, true, true};
  bool new_version_is_sick = false, refuses_bundle = false, no_bundle = false, wrong_bundle = false;
  bool draining = false, fed = false, rebooting = false;
  int calls = 0, cut_at = -1;
  std::chrono::seconds slept{0}, looked{0}, look_takes{0};

  void tick() {
    if (calls++ == cut_at) throw PowerCut();
  }
  void restart() {
    slot = next;
    draining = fed = rebooting = false;
    cut_at = -1;
  }
  Result<std::string> booted() override { return slot; }
  Result<std::string> version_of(const std::string&) override { return offered; }
  Status install(const std::string&) override {
    tick();
    if (refuses_bundle) return fail(Code::io, "signature verification failed");
    written_by = "half";
    tick();
    written_by = "whole";
    next = slot == "A" ? "B" : "A";
    tick();
    return {};
  }
  Status mark_good() override {
    tick();
    good.push_back(slot);
    tick();
    return {};
  }
  Status leave_booted() override {
    tick();
    next = slot == "A" ? "B" : "A";
    tick();
    return {};
  }
  Status reboot() override {
    tick();
    rebooting = true;
    return {};
  }
  Status drain() override {
    tick();
    draining = true;
    return {};
  }
  Status resume() override {
    draining = false;
    return {};
  }
  Health examine() override {
    tick();
    looked += look_takes;
    return new_version_is_sick && slot == "B" ? Health{} : health;
  }
  Result<std::string> fetch(const Request&) override {
    tick();
    if (no_bundle) return fail(Code::io, "the bundle is larger than the room left");
    return std::string("/bundle");
  }
  Status verify(const Request&, const std::string&) override {
    tick();
    if (wrong_bundle) return fail(Code::corrupt, "its SHA-256 differs");
    return {};
  }
  void forget() override {}
};

}  // namespace

TEST_GROUP(Updater) {
  test::TempDir dir{"spillway-ota"};
  Spool spool{dir.path()};
  World world;
  const Request agents{Request::Action::install, "https://host/agents", std::string(64, 'a')};
  std::vector<std::string> said;

  Updater updater() {
    return Updater(spool, {.slots = world,
                           .device = world,
                           .source = world,
                           .sleep = [this](std::chrono::seconds time) { world.slept += time; },
                           .now = [this] { return world.slept + world.looked; },
                           .say = [this](const std::string& text) { said.push_back(text); },
                           .known_good = [this] { world.fed = true; },
                           .version = "1.0"});
  }
  // Starts the updater, lets it do what it is asked, and starts again as often as it reboots.
  void run_until_settled() {
    for (int starts = 0; starts < 6; ++starts) {
      try {
        Updater one = updater();
        Result<bool> on = one.start();
        CHECK(on.ok());
        while (*on && !world.rebooting) {
          Result<bool> stepped = one.step();
          CHECK(stepped.ok());
          if (!*stepped && !spool.request()->has_value()) return;
        }
      } catch (const PowerCut&) {
      }
      world.restart();
    }
    FAIL("it never came to rest");
  }
  void ask(Request::Action action) { CHECK(spool.leave({action, "/new", ""}).ok()); }
  UpdatePhase phase() { return spool.progress()->phase; }
};

TEST(Updater, installs_to_the_other_slot_and_marks_it_good_once_it_is_healthy) {
  ask(Request::Action::install);
  run_until_settled();
  STRCMP_EQUAL("B", world.slot.c_str());
  STRCMP_EQUAL("B", world.good.back().c_str());
  CHECK(phase() == UpdatePhase::good);
  CHECK(world.fed && !world.draining);
}

TEST(Updater, goes_back_when_the_new_version_does_not_get_well) {
  world.new_version_is_sick = true;
  ask(Request::Action::install);
  run_until_settled();
  STRCMP_EQUAL("A", world.slot.c_str());
  CHECK(phase() == UpdatePhase::rolled_back);
  STRCMP_CONTAINS("slot B did not start", spool.progress()->detail.c_str());
  for (const std::string& slot : world.good) STRCMP_EQUAL("A", slot.c_str());
}

TEST(Updater, works_on_after_a_bundle_that_is_refused_or_does_not_come) {
  world.refuses_bundle = true;
  ask(Request::Action::install);
  run_until_settled();
  CHECK(phase() == UpdatePhase::failed);
  STRCMP_CONTAINS("signature", spool.progress()->detail.c_str());
  CHECK(!world.draining);
  world.refuses_bundle = false;
  world.no_bundle = true;
  ask(Request::Action::install);
  run_until_settled();
  STRCMP_CONTAINS("larger", spool.progress()->detail.c_str());
  world.no_bundle = false;
  world.wrong_bundle = true;
  ask(Request::Action::install);
  run_until_settled();
  STRCMP_CONTAINS("differs", spool.progress()->detail.c_str());
  STRCMP_EQUAL("A", world.slot.c_str());
}

TEST(Updater, comes_to_the_same_end_wherever_the_power_is_cut) {
  world.cut_at = 1000;
  ask(Request::Action::install);
  run_until_settled();
  const int calls = world.calls;
  CHECK(calls > 8);
  for (int at = 0; at < calls; ++at) {
    world = World{};
    world.cut_at = at;
    CHECK(spool.keep({}).ok());
    ask(Request::Action::install);
    run_until_settled();
    CHECK_EQUAL(-1, world.cut_at);
    STRCMP_EQUAL("B", world.slot.c_str());
    STRCMP_EQUAL("whole", world.written_by.c_str());
    STRCMP_EQUAL("B", world.good.back().c_str());
    CHECK(phase() == UpdatePhase::good);
  }
}

TEST(Updater, drops_a_request_it_cannot_note_and_goes_on) {
  ask(Request::Action::install);
  Updater one = updater();
  CHECK(*one.start());
  // What stands in the way of a note here is a full disk there.
  std::filesystem::remove(dir.file("progress"));
  std::filesystem::create_directory(dir.file("progress"));
  CHECK(!*one.step());
  CHECK(!spool.request()->has_value());
  CHECK(!*one.step());
  std::filesystem::remove(dir.file("progress"));
  ask(Request::Action::install);
  CHECK(*one.step());
}

TEST(Updater, rolls_back_when_asked) {
  ask(Request::Action::install);
  run_until_settled();
  ask(Request::Action::rollback);
  run_until_settled();
  STRCMP_EQUAL("A", world.slot.c_str());
  CHECK(phase() == UpdatePhase::good);
}

TEST(Updater, takes_a_request_even_from_a_device_that_is_not_well) {
  world.health = {};
  Updater one = updater();
  CHECK(*one.start());
  CHECK(!world.fed);
  UNSIGNED_LONGS_EQUAL(1, world.good.size());
  ask(Request::Action::install);
  CHECK(*one.step());
}

TEST(Updater, takes_what_the_agent_left_after_what_root_asks_for) {
  std::filesystem::create_directory(spool.inbox().directory());
  CHECK(spool.inbox().leave(agents).ok());
  ask(Request::Action::install);
  Updater one = updater();
  CHECK(*one.start());
  CHECK(*one.step());
  STRCMP_EQUAL("/new", spool.progress()->request.source.c_str());
  CHECK(*one.step());
  STRCMP_EQUAL("https://host/agents", spool.progress()->request.source.c_str());
  CHECK(!spool.inbox().request()->has_value());
}

TEST(Updater, takes_of_the_agent_only_installs_by_https_with_a_digest) {
  std::filesystem::create_directory(spool.inbox().directory());
  const Request unfit[] = {{Request::Action::rollback, "", ""},
                           {Request::Action::install, "/data/spillway/own", agents.sha256},
                           {Request::Action::install, agents.source, ""}};
  for (const Request& request : unfit) {
    Updater one = updater();
    CHECK(*one.start());
    CHECK(spool.inbox().leave(request).ok());
    CHECK(!*one.step());
    CHECK(!world.rebooting);
    CHECK(phase() == UpdatePhase::failed);
    STRCMP_CONTAINS("https", spool.progress()->detail.c_str());
    CHECK(!spool.inbox().request()->has_value());
  }
}

TEST(Updater, lets_root_go_back_to_an_older_version_and_not_the_agent) {
  std::filesystem::create_directory(spool.inbox().directory());
  world.offered = "0.9";
  CHECK(spool.inbox().leave(agents).ok());
  {
    Updater one = updater();
    CHECK(*one.start());
    CHECK(!*one.step());
  }
  STRCMP_EQUAL("", world.written_by.c_str());
  STRCMP_CONTAINS("0.9, older than the 1.0", spool.progress()->detail.c_str());
  ask(Request::Action::install);
  run_until_settled();
  STRCMP_EQUAL("B", world.slot.c_str());
}

TEST(Updater, knows_whose_wish_it_was_after_the_power_was_cut) {
  std::filesystem::create_directory(spool.inbox().directory());
  world.offered = "0.9";
  CHECK(spool.inbox().leave(agents).ok());
  world.cut_at = 2;  // in fetch
  run_until_settled();
  CHECK_EQUAL(-1, world.cut_at);
  STRCMP_EQUAL("", world.written_by.c_str());
  CHECK(phase() == UpdatePhase::failed);
}

TEST(Updater, orders_versions_by_their_numbers) {
  const char* ascending[] = {"0.9",      "1.0~rc1", "1.0",      "1.0.1", "1.9",
                             "1.10-rc1", "1.10",    "2.0-sick", "2.0",   "10.0"};
  for (std::size_t i = 0; i < std::size(ascending); ++i) {
    for (std::size_t j = 0; j < std::size(ascending); ++j) {
      CHECK_EQUAL(i < j, is_older(ascending[i], ascending[j]));
    }
  }
  CHECK(!is_older("1.01", "1.1") && !is_older("1.1", "1.01"));
  CHECK(is_older("", "0") && !is_older("", ""));
}

TEST(Updater, goes_on_beside_a_directory_that_stands_for_a_request_and_says_it_once) {
  const std::string directory = spool.inbox().directory() + "/request";
  std::filesystem::create_directories(directory + "/full");
  Updater one = updater();
  CHECK(*one.start());
  for (int i = 0; i < 3; ++i) {
    const Result<bool> stepped = one.step();
    CHECK(stepped.ok());
    CHECK(!*stepped);
  }
  LONGS_EQUAL(1, std::count_if(said.begin(), said.end(), [&](const std::string& text) {
                return text.find(directory) != std::string::npos;
              }));
  CHECK(phase() == UpdatePhase::idle);
  ask(Request::Action::install);
  CHECK(*one.step());
  STRCMP_EQUAL("/new", spool.progress()->request.source.c_str());
  world.rebooting = false;
  std::filesystem::remove_all(directory);
  CHECK(spool.inbox().leave(agents).ok());
  CHECK(*one.step());
  STRCMP_EQUAL("https://host/agents", spool.progress()->request.source.c_str());
}

TEST(Updater, drops_a_link_that_stands_for_a_request) {
  std::filesystem::create_directory(spool.inbox().directory());
  test::write_text(dir.file("secret"), "phase=good\n");
  std::filesystem::create_symlink(dir.file("secret"), spool.inbox().directory() + "/request");
  Updater one = updater();
  CHECK(*one.start());
  CHECK(!*one.step());
  CHECK(phase() == UpdatePhase::failed);
  CHECK(!spool.inbox().request()->has_value());
  CHECK(std::filesystem::exists(dir.file("secret")));
}

TEST(Updater, drops_a_request_that_is_damaged) {
  test::write_text(dir.file("request"), "nonsense");
  Updater one = updater();
  CHECK(*one.start());
  CHECK(!*one.step());
  CHECK(phase() == UpdatePhase::failed);
  CHECK(!spool.request()->has_value());
}

TEST(Updater, judges_a_missing_link_no_fault_after_the_grace_time) {
  const Limits limits;
  const Health offline{.answers = true, .task_done = true, .needs_link = true};
  CHECK(judge(offline, std::chrono::seconds(0), limits) == Verdict::wait);
  CHECK(judge(offline, limits.offline_grace, limits) == Verdict::healthy);
  const Health alone{.answers = true, .task_done = true};
  CHECK(judge(alone, std::chrono::seconds(0), limits) == Verdict::healthy);
  const Health idle{.answers = true, .link_up = true, .needs_link = true};
  CHECK(judge(idle, std::chrono::seconds(0), limits) == Verdict::wait);
  CHECK(judge(idle, limits.healthy_within, limits) == Verdict::sick);
}

TEST(Updater, does_not_blame_a_version_for_a_disk_that_is_full) {
  const Limits limits;
  const Health full{.answers = true, .full = true};
  CHECK(judge(full, std::chrono::seconds(0), limits) == Verdict::wait);
  CHECK(judge(full, limits.offline_grace, limits) == Verdict::healthy);
  CHECK(judge({.full = true}, limits.healthy_within, limits) == Verdict::sick);
}

TEST(Updater, does_not_blame_a_version_for_long_tasks_on_all_cores) {
  const Limits limits;
  const Health busy{.answers = true, .busy = true};
  CHECK(judge(busy, limits.healthy_within - std::chrono::seconds(1), limits) == Verdict::wait);
  CHECK(judge(busy, limits.healthy_within, limits) == Verdict::healthy);
  CHECK(judge({.busy = true}, limits.healthy_within, limits) == Verdict::sick);
}

TEST(Updater, gives_a_version_its_time_however_long_it_takes_to_look) {
  world.health = {};
  world.look_takes = std::chrono::seconds(20);
  Updater one = updater();
  CHECK(*one.start());
  CHECK(!world.fed);
  CHECK(world.slept + world.looked < Limits{}.healthy_within + std::chrono::seconds(30));
}

TEST(Updater, knows_after_a_start_what_became_of_an_update) {
  Progress rebooting{UpdatePhase::rebooting, {}, "B", ""};
  CHECK(after_start(rebooting, "B").phase == UpdatePhase::checking);
  CHECK(after_start(rebooting, "A").phase == UpdatePhase::rolled_back);
  // Cut between RAUC's last write and the note about it.
  CHECK(after_start({UpdatePhase::installing, {}, "B", ""}, "B").phase == UpdatePhase::checking);
  CHECK(after_start({UpdatePhase::installing, {}, "B", ""}, "A").phase == UpdatePhase::installing);
  CHECK(after_start({UpdatePhase::good, {}, "B", ""}, "B").phase == UpdatePhase::good);
}
