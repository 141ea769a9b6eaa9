#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <future>
#include <map>
#include <random>
#include <string>

#include "tests/unit/store/open_store.h"

using namespace spillway;
using namespace spillway::store;

namespace {

// How far a task has come; a task's acknowledged stage may only be behind what the disk holds.
enum Stage : int { absent = 0, accepted = 1, granted = 2, finished = 3 };

struct Ack {
  std::uint64_t seq = 0;
  std::uint64_t stage = absent;
};

Batch both(std::uint64_t first, TaskState from, std::uint32_t epoch, TaskState to) {
  Batch batch;
  for (std::uint64_t seq : {first, first + 1}) {
    TaskUpdate update = step(seq, from, epoch, to, 1);
    if (is_terminal(to)) update.result = encoded("result of " + std::to_string(seq));
    batch.updates.push_back(std::move(update));
    batch.events.push_back(EventRow{seq, at(2), EventKind::granted, Epoch{1}, {}, {}, {}});
  }
  return batch;
}

// The victim: takes pairs of tasks through their lives, several pairs at once, and writes down each
// step in the pipe once the store has acknowledged it.
[[noreturn]] void work_until_killed(const std::string& path, int pipe) {
  auto opened = SqliteOwnerStore::open(path, [](auto answer) { answer(); });
  if (!opened) ::_exit(1);
  SqliteOwnerStore& store = *opened->store;
  const auto send = [&store, pipe](Batch batch, std::uint64_t seq, std::uint64_t stage) {
    store.commit(std::move(batch), [pipe, seq, stage](const Result<Refused>& refused) {
      const Ack ack{seq, stage};
      if (!refused || !refused->empty() || ::write(pipe, &ack, sizeof ack) != sizeof ack)
        ::_exit(1);
    });
  };
  for (std::uint64_t seq = opened->recovered.next_seq;; seq += 2) {
    Batch insert = batch_of(new_task(seq));
    insert.inserts.push_back(new_task(seq + 1));
    send(std::move(insert), seq, accepted);
    send(both(seq, TaskState::ready, 0, TaskState::running), seq, granted);
    send(both(seq, TaskState::running, 1, TaskState::succeeded), seq, finished);
    // Waits now and then, so that what is queued stays short.
    if (seq % 16 == 1) {
      std::promise<void> reached;
      store.inspect(false, [&reached](const auto&) { reached.set_value(); });
      reached.get_future().wait();
    }
  }
}

Stage stage_of(const Result<TaskDetail>& found) {
  if (!found) return absent;
  switch (found->row.task.state) {
    case TaskState::ready: return accepted;
    case TaskState::running: return granted;
    default: return found->row.result ? finished : absent;
  }
}

}  // namespace

TEST_GROUP(Kill) {
  TempFolder folder;
  std::string path = folder.file("owner.db");
  std::map<std::uint64_t, std::uint64_t> acked;  // first of a pair → stage
  std::mt19937_64 random{7};

  void run_and_kill() {
    int ends[2];
    CHECK_EQUAL(0, ::pipe(ends));
    const pid_t child = ::fork();
    if (child == 0) {
      ::close(ends[0]);
      work_until_killed(path, ends[1]);
    }
    ::close(ends[1]);
    const std::uint64_t wanted = random() % 120;
    std::uint64_t seen = 0;
    Ack ack;
    // What it had written before it died is read to the end.
    while (seen < wanted && read_ack(ends[0], ack)) ++seen;
    ::kill(child, SIGKILL);
    while (read_ack(ends[0], ack)) {
    }
    int status = 0;
    ::waitpid(child, &status, 0);
    ::close(ends[0]);
    CHECK_TRUE_TEXT(WIFSIGNALED(status), "the child failed before it was killed");
  }

  bool read_ack(int pipe, Ack& ack) {
    if (::read(pipe, &ack, sizeof ack) != sizeof ack) return false;
    acked[ack.seq] = ack.stage;
    return true;
  }

  void check(OpenStore & open) {
    CHECK_FALSE(open.recovered.quarantined.has_value());
    for (std::uint64_t seq = 1; seq < open.recovered.next_seq; seq += 2) {
      const Stage first = stage_of(open.find(seq));
      CHECK_TRUE(first != absent);
      CHECK_EQUAL(first, stage_of(open.find(seq + 1)));
      const auto known = acked.find(seq);
      CHECK_TRUE(known == acked.end() || known->second <= static_cast<std::uint64_t>(first));
    }
    for (const auto& [seq, stage] : acked) CHECK_TRUE(seq < open.recovered.next_seq);
    LONGS_EQUAL(0, open.inspect(true)->problems.size());
  }
};

TEST(Kill, P6_P9_every_acknowledged_step_survives_kill_9_and_no_batch_is_half_there) {
  for (int round = 0; round < 50; ++round) {
    run_and_kill();
    if (round % 5 != 4) continue;
    OpenStore open{path};
    CHECK_OK(open.open());
    check(open);
  }
  CHECK_TRUE(acked.size() > 100);
}
