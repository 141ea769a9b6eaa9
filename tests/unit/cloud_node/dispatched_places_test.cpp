#include "tests/unit/cloud_node/dispatched_rig.h"

using namespace spillway;
using namespace spillway::test;

// For which device a task is.
TEST_GROUP_BASE(DispatchedPlaces, DispatchedRig){OwnerDisk & disk(){return world.cloud.dispatched;
}
std::vector<std::uint64_t> listed(const std::string& device) {
  cloud::DispatchedFilter filter;
  filter.device = device;
  const auto tasks = ask<std::vector<cloud::DispatchedTaskView>>(
      [&](auto done) { dispatch().list(filter, done); });
  CHECK(tasks.ok());
  std::vector<std::uint64_t> found;
  for (const cloud::DispatchedTaskView& task : *tasks) {
    STRCMP_EQUAL(device.c_str(), task.device.c_str());
    found.push_back(task.id.seq);
  }
  return found;
}
Result<cloud::DispatchedTaskDetail> detail(std::uint64_t seq) {
  return ask<cloud::DispatchedTaskDetail>([&](auto done) { dispatch().find(id(seq), done); });
}
// Makes of a task for pump-7 what an earlier version would have.
void age(std::uint64_t seq, const cloud::GroupId& group) {
  OwnerDisk::Task& task = disk().tasks.at(seq);
  auto spec = wire::decode_spec(*task.row.spec);
  spec->labels["spillway.device"] = "pump-7";
  spec->labels["spillway.group"] = to_string(group);
  task.row.spec = std::make_shared<const Bytes>(wire::encode(*spec));
  task.tenant = "pump-7";
  task.row.only_at = kNowhere;
  task.row.together = {};
  for (lifecycle::LiveAttempt& out : task.row.task.live) out.place = kCloud;
  disk().places = {};
}
}
;

TEST(DispatchedPlaces, a_task_is_granted_to_the_device_that_it_is_for) {
  introduce();
  CHECK(submit({world.spec(), Names({"pump-7", "fan-1"}), ""}).ok());
  offer();
  const store::TaskRow& row = disk().at(1).row;
  STRCMP_EQUAL("pump-7", disk().places.name_of(row.only_at).c_str());
  CHECK(row.task.place() == row.only_at);
  STRCMP_EQUAL("fan-1", disk().places.name_of(disk().at(2).row.only_at).c_str());
  CHECK(disk().at(2).row.task.live.empty());
}

TEST(DispatchedPlaces, the_tasks_of_a_group_differ_in_nothing_but_their_device) {
  auto made = submit({world.spec(), Names({"pump-7", "fan-1"}), ""});
  CHECK(*disk().at(1).row.spec == *disk().at(2).row.spec);
  CHECK(detail(1)->group == made->group);
  CHECK(detail(2)->group == made->group);
  STRCMP_EQUAL("fan-1", detail(2)->task.device.c_str());
}

TEST(DispatchedPlaces, labels_and_tenant_are_the_operators_own) {
  introduce();
  cloud::Submission submission{world.spec(), Names({"pump-7"}), ""};
  submission.spec.labels = {{"spillway.device", "fan-1"}, {"spillway.group", "mine"}};
  submission.spec.tenant = "night-shift";
  auto made = submit(submission);
  CHECK(made.ok());
  const auto offered = wire::decode_spec(offer().spec);
  CHECK(offered->labels == submission.spec.labels);
  STRCMP_EQUAL("night-shift", offered->tenant.c_str());
  STRCMP_EQUAL("night-shift", disk().at(1).tenant.c_str());
  CHECK(detail(1)->group == made->group);
  CHECK(listed("pump-7") == std::vector<std::uint64_t>{1});
  CHECK(listed("fan-1").empty());
  CHECK(listed("night-shift").empty());
}

TEST(DispatchedPlaces, P6_after_a_restart_each_is_for_its_device_still) {
  CHECK(submit({world.spec(), Names({"pump-7", "fan-1"}), ""}).ok());
  world.restart();
  CHECK(submit({world.spec(), Names({"fan-1"}), ""}).ok());
  CHECK(listed("pump-7") == std::vector<std::uint64_t>{1});
  CHECK(listed("fan-1") == (std::vector<std::uint64_t>{3, 2}));
  introduce();
  CHECK(offer().id == id(1));
}

TEST(DispatchedPlaces, one_of_an_earlier_version_is_for_the_device_that_its_label_names) {
  auto made = submit({world.spec(), Names({"pump-7", "fan-1"}), ""});
  age(1, made->group);
  disk().tasks.erase(2);
  world.restart();
  CHECK(listed("pump-7") == std::vector<std::uint64_t>{1});
  CHECK(listed("fan-1").empty());
  CHECK(detail(1)->group == made->group);
  introduce();
  CHECK(offer().id == id(1));
  say_result(success(1, 1));
  CHECK(verdict() == wire::ResultVerdict::accepted);
  STRCMP_EQUAL("pump-7", result(1).attempts.back().place.c_str());
}

TEST(DispatchedPlaces, one_that_an_earlier_version_leased_is_at_that_device) {
  introduce();
  auto made = submit();
  world.say(wire::Accept{offer().id, Epoch{1}});
  world.cloud.crash();
  age(1, made->group);
  world.boot();
  introduce(4);
  world.say(wire::Beat{id(1), Epoch{1}, lifecycle::LeaseState::running});
  world.advance(owner::OwnerJournal::kMayWait);
  CHECK(state(1) == TaskState::running);
  say_result(success(1, 1));
  CHECK(verdict() == wire::ResultVerdict::accepted);
  CHECK(state(1) == TaskState::succeeded);
  // The task's row spoke of the device meanwhile.
  CHECK(disk().places.find("pump-7") != kNowhere);
}
