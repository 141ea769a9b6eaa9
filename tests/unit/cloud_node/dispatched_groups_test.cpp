#include "tests/unit/cloud_node/dispatched_rig.h"

using namespace spillway;
using namespace spillway::test;
using namespace std::chrono_literals;

TEST_GROUP_BASE(DispatchedGroups, DispatchedRig){};

TEST(DispatchedGroups, groups_of_all_lives_are_found_by_their_names_and_no_others) {
  const auto first = submit();
  world.restart();
  const auto second = submit();
  CHECK(first->group.first.origin != second->group.first.origin);
  for (const auto& made : {first, second}) {
    const auto view =
        ask<cloud::GroupView>([&](auto done) { dispatch().count(made->group, done); });
    CHECK(view.ok());
    CHECK_EQUAL(0, view->forgotten);
    CHECK(dispatch().owns(made->group.first));
  }
  CHECK_FALSE(dispatch().owns({second->group.first.origin, first->group.first.seq}));
  CHECK_FALSE(dispatch().owns({second->group.first.origin, 4711}));
}

TEST(DispatchedGroups, a_group_counts_what_its_devices_did) {
  introduce();
  auto made = submit({world.spec(), Names({"pump-7", "pump-8", "pump-9"}), ""});
  CHECK_EQUAL(3, made->group.size);
  offer();
  say_result(success(1, 1));
  CHECK(cancelled(3) == Code::internal);
  auto counted = ask<cloud::GroupView>([&](auto done) { dispatch().count(made->group, done); });
  CHECK_EQUAL(1, counted->by_state[std::size_t(TaskState::succeeded)]);
  CHECK_EQUAL(1, counted->by_state[std::size_t(TaskState::ready)]);
  CHECK_EQUAL(1, counted->by_state[std::size_t(TaskState::cancelled)]);
  auto stopped = ask<std::uint64_t>([&](auto done) { dispatch().cancel(made->group, done); });
  CHECK_EQUAL(1, *stopped);
}

TEST(DispatchedGroups, P2_a_group_is_tried_again_where_it_did_not_succeed) {
  introduce();
  auto made = submit({world.spec(), Names({"pump-7", "pump-8", "pump-9"}), ""});
  offer();
  say_result(success(1, 1));
  CHECK(cancelled(3) == Code::internal);
  const auto again = [&] {
    return ask<std::uint64_t>([&](auto done) { dispatch().retry(made->group, done); });
  };
  CHECK_EQUAL(1, *again());
  CHECK(state(1) == TaskState::succeeded);
  CHECK(state(2) == TaskState::ready);
  CHECK(state(3) == TaskState::ready);
  CHECK_EQUAL(0, *again());
  const cloud::GroupId nobodys{{Origin{9}, 1}, 3};
  auto unknown = ask<std::uint64_t>([&](auto done) { dispatch().retry(nobodys, done); });
  CHECK(unknown.error().code == Code::not_found);
}

TEST(DispatchedGroups, an_id_with_another_number_of_tasks_than_its_group_has_is_no_groups) {
  const auto first = submit({world.spec(), Names({"pump-7", "pump-8", "pump-9"}), ""});
  const auto second = submit({world.spec(), Names({"pump-7", "pump-8"}), ""});
  const auto refused = [&](const cloud::GroupId& group) {
    const auto counted = ask<cloud::GroupView>([&](auto done) { dispatch().count(group, done); });
    const auto stopped = ask<std::uint64_t>([&](auto done) { dispatch().cancel(group, done); });
    const auto again = ask<std::uint64_t>([&](auto done) { dispatch().retry(group, done); });
    cloud::DispatchedFilter filter;
    filter.group = group;
    const auto listed = ask<std::vector<cloud::DispatchedTaskView>>(
        [&](auto done) { dispatch().list(filter, done); });
    for (const Code code :
         {counted.error().code, stopped.error().code, again.error().code, listed.error().code}) {
      if (code != Code::not_found) return false;
    }
    return counted.error().message.find("there is no group " + to_string(group)) == 0;
  };
  const cloud::GroupId group = first->group;
  for (const std::uint32_t size : {1U, 2U, 4U, 5U, 6U, 50U, ~0U}) {
    CHECK(refused({group.first, size}));
  }
  CHECK(refused({id(2), 2}));
  for (std::uint64_t seq = 1; seq <= 5; ++seq) CHECK_FALSE(is_terminal(state(seq)));
  // Nor does it get through when those of the group are forgotten that would tell at once.
  world.cloud.dispatched.tasks.erase(1);
  world.cloud.dispatched.tasks.erase(3);
  for (const std::uint32_t size : {2U, 4U, 5U}) CHECK(refused({group.first, size}));
  const auto counted = ask<cloud::GroupView>([&](auto done) { dispatch().count(group, done); });
  CHECK_EQUAL(2, counted->forgotten);
  CHECK_EQUAL(2, *ask<std::uint64_t>([&](auto done) { dispatch().cancel(second->group, done); }));
}

TEST(DispatchedGroups, groups_are_listed_newest_first_and_page_by_page) {
  const auto groups = [&](std::uint64_t before, std::uint32_t limit) {
    return *ask<std::vector<cloud::GroupView>>(
        [&](auto done) { dispatch().groups(before, limit, done); });
  };
  CHECK(groups(~0ULL, 10).empty());
  auto first = submit({world.spec(), Names({"pump-7", "pump-8", "pump-9"}), ""});
  auto second = submit();
  auto both = groups(~0ULL, 10);
  CHECK_EQUAL(2, both.size());
  CHECK(both[0].group == second->group);
  CHECK(both[1].group == first->group);
  STRCMP_EQUAL("echo", both[1].kind.c_str());
  std::uint64_t members = 0;
  for (std::uint64_t each : both[1].by_state) members += each;
  CHECK_EQUAL(3, members);
  CHECK_EQUAL(0, both[1].forgotten);
  CHECK_EQUAL(1, groups(~0ULL, 1).size());
  CHECK(groups(second->group.first.seq, 1).front().group == first->group);
  CHECK(groups(first->group.first.seq, 1).empty());
}

TEST(DispatchedGroups, the_same_key_answers_the_same_group_also_after_a_restart) {
  cloud::Submission submission{world.spec(), Names({"pump-7", "pump-8"}), "nightly"};
  auto first = submit(submission);
  world.restart();
  auto second = submit(submission);
  CHECK(second->repeated);
  CHECK(second->group == first->group);
  submission.devices = fail(Code::not_found, "the cloud has forgotten pump-7");
  CHECK(submit(submission)->group == first->group);
  submission.spec.input.bytes = to_bytes("another");
  CHECK(submit(submission).error().code == Code::conflict);
  submission.key = "weekly";
  CHECK(submit(submission).error().code == Code::not_found);
  CHECK_EQUAL(2, world.cloud.dispatched.tasks.size());
}

TEST(DispatchedGroups, a_key_stands_for_whom_was_asked_for_as_well_also_after_a_restart) {
  cloud::Submission submission{world.spec(), Names({"pump-7", "pump-8"}), "nightly", "all pumps"};
  const auto first = submit(submission);
  for (const bool later : {false, true}) {
    if (later) world.restart();
    // Others match by now, or nobody does.
    for (const Names& devices : {Names({"pump-7", "pump-8", "pump-9"}), Names()}) {
      submission.devices = devices;
      CHECK(submit(submission)->group == first->group);
      cloud::Submission others = submission;
      others.asked = "all valves";
      const auto refused = submit(others);
      CHECK(refused.error().code == Code::conflict);
      STRCMP_CONTAINS(to_string(first->group).c_str(), refused.error().message.c_str());
    }
  }
  submission.key = "weekly";
  CHECK(submit(submission).error().code == Code::not_found);
  CHECK_EQUAL(2, world.cloud.dispatched.tasks.size());
}

TEST(DispatchedGroups, those_with_one_key_at_once_get_the_answer_of_the_first) {
  const cloud::Submission submission{world.spec(), Names({"pump-7"}), "nightly", "pump-7"};
  cloud::Submission another = submission;
  another.spec.input.bytes = to_bytes("another");
  std::vector<Result<Submitted>> answers;
  const auto keep = [&](const Result<Submitted>& made) { answers.push_back(made); };
  for (int i = 0; i < 6; ++i) dispatch().submit(submission, keep);
  dispatch().submit(another, keep);
  world.settle();
  CHECK_EQUAL(7, answers.size());
  CHECK(answers[0].ok() && !answers[0]->repeated);
  for (int i = 1; i < 6; ++i) {
    CHECK(answers[i].ok() && answers[i]->repeated);
    CHECK(answers[i]->group == answers[0]->group);
  }
  CHECK(answers[6].error().code == Code::conflict);
  STRCMP_CONTAINS(to_string(answers[0]->group).c_str(), answers[6].error().message.c_str());
  CHECK_EQUAL(1, world.cloud.dispatched.tasks.size());
}

TEST(DispatchedGroups, those_that_wait_for_a_key_have_their_turn_when_the_first_is_refused) {
  cloud::Submission submission{world.spec(), Names(), "nightly", "all pumps"};
  std::vector<Result<Submitted>> answers;
  const auto keep = [&](const Result<Submitted>& made) { answers.push_back(made); };
  dispatch().submit(submission, keep);
  submission.devices = Names({"pump-7"});
  dispatch().submit(submission, keep);
  dispatch().submit(submission, keep);
  world.settle();
  CHECK_EQUAL(3, answers.size());
  CHECK(answers[0].error().code == Code::not_found);
  CHECK(answers[1].ok() && !answers[1]->repeated);
  CHECK(answers[2].ok() && answers[2]->group == answers[1]->group);
}

TEST(DispatchedGroups, P6_a_key_that_a_kill_kept_from_the_disk_is_free_again) {
  const cloud::Submission submission{world.spec(), Names({"pump-7"}), "nightly", "pump-7"};
  int answered = 0;
  for (int i = 0; i < 2; ++i) dispatch().submit(submission, [&](const auto&) { ++answered; });
  CHECK(world.cloud.store().step());
  world.restart();
  CHECK_EQUAL(0, answered);
  CHECK_FALSE(submit(submission)->repeated);
  CHECK(submit(submission)->repeated);
  CHECK_EQUAL(1, world.cloud.dispatched.tasks.size());
}

TEST(DispatchedGroups, a_key_answers_its_group_as_long_as_any_of_its_tasks_is_kept) {
  cloud::Submission submission{world.spec(), Names({"pump-7", "pump-8"}), "nightly", "both"};
  submission.spec.retention = 1s;
  const auto first = submit(submission);
  CHECK(submit("another").ok());
  CHECK(cancelled(1) == Code::internal);
  world.advance(60s);
  CHECK_FALSE(world.cloud.dispatched.tasks.contains(1));
  CHECK(world.cloud.dispatched.tasks.contains(2));
  const auto again = submit(submission);
  CHECK(again->repeated);
  CHECK(again->group == first->group);
  submission.spec.kind.name = "slow";
  const auto refused = submit(submission);
  CHECK(refused.error().code == Code::conflict);
  STRCMP_CONTAINS(to_string(first->group).c_str(), refused.error().message.c_str());
}

TEST(DispatchedGroups, a_key_outlives_the_retention_of_its_group_and_says_so) {
  cloud::Submission submission{world.spec(), Names({"pump-7"}), "nightly", "pump-7"};
  submission.spec.retention = 1s;
  CHECK(submit(submission).ok());
  CHECK(cancelled(1) == Code::internal);
  world.advance(60s);
  CHECK(world.cloud.dispatched.tasks.empty());
  const auto refused = submit(submission);
  CHECK(refused.error().code == Code::conflict);
  STRCMP_CONTAINS(to_string(id(1)).c_str(), refused.error().message.c_str());
}

TEST(DispatchedGroups, a_groups_id_reads_back_and_nonsense_does_not) {
  const cloud::GroupId group{{Origin{0x7f3a9c21d04b55e6}, 142}, 3};
  STRCMP_EQUAL("7f3a9c21d04b55e6-142x3", cloud::to_string(group).c_str());
  CHECK(*cloud::parse_group_id(cloud::to_string(group)) == group);
  CHECK(group.contains({group.first.origin, 144}));
  CHECK_FALSE(group.contains({group.first.origin, 145}));
  CHECK_FALSE(group.contains({Origin{1}, 143}));
  for (const char* text :
       {"", "x", "x3", "7f3a9c21d04b55e6-142", "7f3a9c21d04b55e6-142x", "7f3a9c21d04b55e6-142x0",
        "7f3a9c21d04b55e6-142x-1", "7f3a9c21d04b55e6-142x3 ", "7f3a9c21d04b55e6-142x99999999999"}) {
    CHECK_FALSE(cloud::parse_group_id(text).ok());
  }
}
