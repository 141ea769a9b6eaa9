#include <algorithm>
#include <memory>
#include <string>
#include <vector>

#include "common/sqlite/disk_plan.h"
#include "tests/unit/cloud_node/cloud_world.h"

#include <CppUTest/TestHarness.h>

using namespace spillway;
using namespace spillway::test;
using cloud::Submitted;
using Names = std::vector<std::string>;

// What operators may have wait for devices, without a node around it.
TEST_GROUP(DispatchedRoom) {
  ManualClock clock;
  OwnerDisk disk;
  MemoryOwnerStore store{disk};
  std::unique_ptr<cloud::Dispatch> dispatch;
  std::uint64_t lives = 0;

  void open(cloud::DispatchOptions options) {
    disk.origin = Origin{0xC10D};
    const store::Recovered recovered = disk.recover(Origin{++lives});
    cloud::DispatchParts parts;
    parts.clock = &clock;
    parts.store = &store;
    parts.random = [] { return 7; };
    parts.wake = [] {};
    parts.report = parts.alarm = [](const std::string&) {};
    parts.refused = [](const std::string&, const std::string&) {};
    parts.up = [] { return false; };
    dispatch = std::make_unique<cloud::Dispatch>(options, std::move(parts), recovered);
    dispatch->start(recovered);
    settle();
  }
  TaskId id_of(std::uint64_t seq) const { return disk.id_of(seq); }
  void settle() {
    do (void)dispatch->cycle();
    while (store.step());
  }
  Result<Submitted> try_to_submit(std::size_t devices, std::size_t bytes) {
    Names names;
    for (std::size_t i = 0; i < devices; ++i) names.push_back("pump-" + std::to_string(i));
    Result<Submitted> answer = fail(Code::internal, "no answer");
    dispatch->submit({CloudWorld::spec(std::string(bytes, 'x')), names, ""},
                     [&](const Result<Submitted>& made) { answer = made; });
    settle();
    return answer;
  }
  cloud::GroupId submit(std::size_t devices = 1) {
    const Result<Submitted> made = try_to_submit(devices, 1);
    CHECK(made.ok());
    return made ? made->group : cloud::GroupId{};
  }
  std::string refused(std::size_t devices, std::size_t bytes) {
    const Result<Submitted> made = try_to_submit(devices, bytes);
    CHECK(!made && made.error().code == Code::busy);
    return made ? "" : made.error().message;
  }
  void cancel(const cloud::GroupId& group) {
    dispatch->cancel(group, [](const auto& done) { CHECK(done.ok()); });
    settle();
  }
  // What each is answered when all are tried again at once; empty: it is.
  std::vector<std::string> retry(const std::vector<TaskId>& ids) {
    std::vector<std::string> answers;
    for (const TaskId id : ids) {
      dispatch->retry(id, [&](const Result<void>& did) {
        CHECK(did || did.error().code == Code::busy);
        answers.push_back(did ? "" : did.error().message);
      });
    }
    settle();
    std::sort(answers.begin(), answers.end());  // a refusal waits for no commit
    return answers;
  }
  std::string retry_all(const cloud::GroupId& group) {
    std::string answer = "none";
    dispatch->retry(group, [&](const Result<std::uint64_t>& did) {
      answer = did ? std::to_string(*did) : did.error().message;
    });
    settle();
    return answer;
  }
};

TEST(DispatchedRoom, P20_a_single_retry_asks_for_room_like_that_of_a_group) {
  cloud::DispatchOptions options;
  options.max_tasks = 2;
  open(options);
  const cloud::GroupId first = submit(), second = submit();
  cancel(first);
  cancel(second);
  const cloud::GroupId waiting = submit(2);
  const std::string full = retry_all(first);
  STRCMP_CONTAINS("more than 2 tasks would wait", full.c_str());
  CHECK(retry({first.first}) == std::vector<std::string>{full});
  // What has not ended is told that, and not that there is no room.
  dispatch->retry(waiting.first,
                  [](const auto& did) { CHECK(did.error().code == Code::conflict); });
  settle();
  cancel(waiting);
  CHECK(submit() != first);
  // There is room for one of two.
  CHECK((retry({first.first, second.first}) == std::vector<std::string>{"", full}));
  CHECK_EQUAL(2, dispatch->unfinished());
}

TEST(DispatchedRoom, P20_what_is_tried_again_counts_with_its_bytes) {
  cloud::DispatchOptions options;
  open(options);
  const cloud::GroupId group = submit(3);
  options.max_bytes = disk.tasks.at(1).row.spec->size() * 5 / 2;
  cancel(group);
  // As it was in a store of an earlier version.
  for (auto& [seq, task] : disk.tasks) {
    task.row.spec = std::make_shared<const Bytes>(*task.row.spec);
  }
  dispatch.reset();
  open(options);
  STRCMP_CONTAINS("2 are tried again, and no more: there is no room for", retry_all(group).c_str());
  CHECK_EQUAL(2, dispatch->unfinished());
  cancel(group);
  CHECK_EQUAL(3, retry({id_of(1), id_of(2), id_of(3)}).size());
  CHECK_EQUAL(2, dispatch->unfinished());
}

TEST(DispatchedRoom, P20_ten_thousand_devices_and_an_input_of_64_KiB_take_room_for_one_of_it) {
  constexpr std::size_t kDevices = 10'000;
  cloud::DispatchOptions options;
  options.max_bytes = 3 * kInlineLimit / 2;
  options.max_disk = 64 << 20;
  open(options);
  const Result<Submitted> made = try_to_submit(kDevices, kInlineLimit);
  CHECK(made.ok());
  CHECK_EQUAL(kDevices, dispatch->unfinished());
  STRCMP_CONTAINS("there is no room for", refused(1, kInlineLimit).c_str());
  dispatch.reset();
  open(options);
  CHECK_EQUAL(kDevices, dispatch->unfinished());
  STRCMP_CONTAINS("there is no room for", refused(1, kInlineLimit).c_str());
  submit(2);
  // All that were cancelled may be tried again, in the room of one input.
  cancel(made->group);
  dispatch.reset();
  open(options);
  CHECK_EQUAL(2, dispatch->unfinished());
  STRCMP_EQUAL("10000", retry_all(made->group).c_str());
  STRCMP_CONTAINS("there is no room for", refused(1, kInlineLimit).c_str());
}

TEST(DispatchedRoom, P21_on_the_disk_a_small_input_counts_for_each_device_and_ends_find_room) {
  cloud::DispatchOptions options;
  options.max_disk = 64 << 20;
  open(options);
  const std::uint64_t most = sqlite::plan_disk(options.max_disk).tasks();
  disk.use.in_use = most - (5 << 18);
  CHECK(try_to_submit(1000, kInlineLimit).ok());
  CHECK(try_to_submit(500, 10).ok());
  STRCMP_CONTAINS("there is no room for", refused(1000, 700).c_str());
  disk.use.in_use = most;
  STRCMP_CONTAINS("there is no room for", refused(1, 1).c_str());
  // What was given back within the file is room, however large the file is.
  disk.use = {.in_use = 0, .files = options.max_disk, .written = 0, .flash_spent = 0};
  submit();
}
