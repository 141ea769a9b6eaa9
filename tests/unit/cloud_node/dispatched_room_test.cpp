#include <algorithm>
#include <memory>
#include <string>
#include <vector>

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
  cloud::GroupId submit(std::size_t devices = 1) {
    Names names;
    for (std::size_t i = 0; i < devices; ++i) names.push_back("pump-" + std::to_string(i));
    cloud::GroupId group;
    dispatch->submit({CloudWorld::spec(), names, ""}, [&](const Result<Submitted>& made) {
      CHECK(made.ok());
      if (made) group = made->group;
    });
    settle();
    return group;
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
  dispatch.reset();
  open(options);
  STRCMP_CONTAINS("2 are tried again, and no more: there is no room for", retry_all(group).c_str());
  CHECK_EQUAL(2, dispatch->unfinished());
  cancel(group);
  CHECK_EQUAL(3, retry({id_of(1), id_of(2), id_of(3)}).size());
  CHECK_EQUAL(2, dispatch->unfinished());
}
