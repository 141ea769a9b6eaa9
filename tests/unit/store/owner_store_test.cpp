#include "open_store.h"

using namespace spillway;
using namespace spillway::store;

TEST_GROUP(OwnerStore) {
  TempFolder folder;
  OpenStore open{folder.file("owner.db")};
  void setup() override { CHECK_OK(open.open()); }
};

TEST(OwnerStore, a_new_store_is_empty_and_has_an_origin) {
  CHECK_TRUE(open.recovered.fresh);
  CHECK_TRUE(open.recovered.origin.value != 0);
  LONGS_EQUAL(1, open.recovered.next_seq);
  CHECK_TRUE(open.recovered.live.empty());
  CHECK_FALSE(open.recovered.quarantined.has_value());
}

TEST(OwnerStore, a_committed_task_is_found_with_everything_it_came_with) {
  NewTask task = new_task(1, TaskState::waiting);
  lifecycle::OwnerTask& state = task.row.task;
  state.reason = WaitReason::backoff;
  state.epoch = Epoch{7};
  state.place = PlaceKind::cloud;
  state.boot = BootId{0xfedcba9876543210};
  state.offer_pending = true;
  state.attempts = 2;
  state.crashes = 1;
  state.crash_places = 4;
  state.losses = 9;
  state.last_failure = FailureClass::crash;
  state.deps = 3;
  state.wake = at(5);
  state.deadline = at(60);
  state.start_by = at(30);
  state.lease_until = at(31);
  state.run_until = at(32);
  task.row.band = Band::high;
  task.tenant = "acme";
  CHECK_OK(open.commit(batch_of(task)));
  auto found = open.find(1);
  CHECK_OK(found);
  CHECK_TRUE(found->row.task == task.row.task);
  CHECK_TRUE(found->row.band == Band::high);
  CHECK_TRUE(found->row.created == at(1));
  CHECK_TRUE(found->row.keep_until == kNever);
  CHECK_TRUE(*found->row.spec == *task.row.spec);
  CHECK_TRUE(found->row.result == nullptr);
  STRCMP_EQUAL("echo", found->kind.c_str());
  STRCMP_EQUAL("acme", found->tenant.c_str());
}
