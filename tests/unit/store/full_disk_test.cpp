#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <csignal>
#include <fstream>

#include "tests/unit/store/open_store.h"

using namespace spillway;
using namespace spillway::sqlite;
using namespace spillway::store;

namespace {

// A small file system of its own, where the test may mount one.
class SmallDisk {
 public:
  SmallDisk(const std::string& path, const char* size) : path_(path) {
    ::mkdir(path_.c_str(), 0700);
    mounted_ = ::mount("tmpfs", path_.c_str(), "tmpfs", 0, size) == 0;
  }
  ~SmallDisk() {
    if (mounted_) ::umount2(path_.c_str(), MNT_DETACH);
  }
  SmallDisk(const SmallDisk&) = delete;
  SmallDisk& operator=(const SmallDisk&) = delete;
  // Without the right to mount, the tests of limits within a file stand for those that need this.
  bool is_there() const {
    if (!mounted_) UT_PRINT("skipped: this machine lets nobody mount");
    return mounted_;
  }
  std::string file(const std::string& name) const { return path_ + "/" + name; }

 private:
  std::string path_;
  bool mounted_ = false;
};

}  // namespace

TEST_GROUP(FullDisk) {
  TempFolder folder;
  std::string path = folder.file("owner.db");
  OpenStore open{path};

  rlimit limit_before{};
  void (*handler_before)(int) = nullptr;
  void setup() override {
    getrlimit(RLIMIT_FSIZE, &limit_before);
    handler_before = std::signal(SIGXFSZ, SIG_IGN);
  }
  void teardown() override {
    setrlimit(RLIMIT_FSIZE, &limit_before);
    std::signal(SIGXFSZ, handler_before);
  }

  static NewTask large_task(std::uint64_t seq) {
    NewTask task = new_task(seq);
    task.row.spec = std::make_shared<const Bytes>(60'000, std::uint8_t{7});
    return task;
  }
  // Commits until the disk is full; every task answered well is there afterwards, no other is.
  std::uint64_t fill() {
    for (std::uint64_t seq = 1; seq < 1000; ++seq) {
      Status status = open.commit(batch_of(large_task(seq)));
      if (status) continue;
      CHECK_FAILS(Code::busy, status);
      CHECK_TRUE(status.error().retry_after.has_value());
      STRCMP_CONTAINS("no space left", status.error().message.c_str());
      CHECK_FAILS(Code::not_found, open.find(seq));
      return seq;
    }
    FAIL("the disk never filled");
    return 0;
  }
  void check_all_before(std::uint64_t seq) {
    for (std::uint64_t kept = 1; kept < seq; ++kept) CHECK_OK(open.find(kept));
    LONGS_EQUAL(seq - 1, open.inspect(true)->counts.by_state[1]);
    LONGS_EQUAL(0, open.inspect(true)->problems.size());
  }
};

TEST(FullDisk, a_file_at_its_limit_refuses_new_tasks_and_takes_them_again_when_there_is_space) {
  open.options.tables.budget.disk = 4 << 20;
  CHECK_OK(open.open());
  const std::uint64_t refused = fill();
  check_all_before(refused);
  TaskUpdate done = step(1, TaskState::ready, 0, TaskState::succeeded, 1);
  done.keep_until = at(3);
  CHECK_OK(open.commit(batch_of(done)));
  LONGS_EQUAL(1, open.purge(at(3), 10)->removed);
  CHECK_OK(open.commit(batch_of(large_task(refused))));
}

TEST(FullDisk, a_limit_on_file_size_is_a_full_disk_and_passes) {
  CHECK_OK(open.open());
  rlimit small = limit_before;
  small.rlim_cur = 2 << 20;
  setrlimit(RLIMIT_FSIZE, &small);
  const std::uint64_t refused = fill();
  check_all_before(refused);
  setrlimit(RLIMIT_FSIZE, &limit_before);
  CHECK_OK(open.commit(batch_of(large_task(refused))));
  CHECK_OK(open.reopen());
  check_all_before(refused + 1);
}

TEST(FullDisk, a_full_file_system_loses_nothing_and_recovers_when_space_returns) {
  SmallDisk disk(folder.file("small"), "size=3m");
  if (!disk.is_there()) return;
  std::ofstream(disk.file("ballast")) << std::string(1 << 20, 'x');
  OpenStore tight{disk.file("owner.db")};
  CHECK_OK(tight.open());
  std::uint64_t refused = 1;
  while (tight.commit(batch_of(large_task(refused)))) ++refused;
  CHECK_FAILS(Code::busy, tight.commit(batch_of(large_task(refused))));
  CHECK_OK(tight.find(refused - 1));
  std::filesystem::remove(disk.file("ballast"));
  CHECK_OK(tight.commit(batch_of(large_task(refused))));
  CHECK_OK(tight.reopen());
  LONGS_EQUAL(refused, tight.recovered.counts.by_state[1]);
  LONGS_EQUAL(0, tight.inspect(true)->problems.size());
}

TEST(FullDisk, a_store_that_cannot_be_made_for_want_of_space_leaves_nothing_in_its_place) {
  SmallDisk disk(folder.file("tiny"), "size=16k");
  if (!disk.is_there()) return;
  OpenStore none{disk.file("owner.db")};
  CHECK_FAILS(Code::busy, none.open());
  CHECK_FALSE(std::filesystem::exists(disk.file("owner.db")));
}

TEST(FullDisk, a_folder_that_may_not_be_written_gives_one_clear_error) {
  CHECK_OK(open.open());
  CHECK_OK(open.commit(batch_of(new_task(1))));
  open.close();
  // Root may write anywhere, so the test steps down from it.
  const uid_t user = ::geteuid();
  ::chmod(folder.path().c_str(), 0555);
  ::chmod(path.c_str(), 0444);
  if (user == 0) CHECK_EQUAL(0, ::seteuid(65534));
  Status existing = open.open();
  OpenStore other{folder.file("other.db")};
  Status made = other.open();
  if (user == 0) CHECK_EQUAL(0, ::seteuid(0));
  ::chmod(folder.path().c_str(), 0755);
  CHECK_FALSE(existing.ok() || made.ok());
  CHECK_FAILS(Code::denied, existing);
  STRCMP_CONTAINS("check the permissions", existing.error().message.c_str());
  CHECK_FAILS(Code::denied, made);
  ::chmod(path.c_str(), 0644);
  CHECK_OK(open.open());
  CHECK_OK(open.find(1));
}

TEST(FullDisk, a_folder_that_does_not_exist_is_named) {
  OpenStore nowhere{folder.file("missing/owner.db")};
  Status status = nowhere.open();
  CHECK_FAILS(Code::io, status);
  STRCMP_CONTAINS("missing/owner.db", status.error().message.c_str());
}
