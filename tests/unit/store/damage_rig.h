#pragma once

#include <fstream>

#include "common/sqlite/store_file.h"
#include "tests/unit/store/open_store.h"

namespace spillway::store {

// A store with tasks in every state, and what damages its files.
struct DamageRig : Utest {
  TempFolder folder;
  std::string path = folder.file("owner.db");
  OpenStore open{path};
  Origin origin;

  // 60 finished and 60 ready tasks, two at work, one waiting for another.
  void setup() override {
    CHECK_OK(open.open());
    origin = open.recovered.lives.all().front().origin;
    Batch batch;
    for (std::uint64_t seq = 1; seq <= 120; ++seq) {
      NewTask task = new_task(seq, seq <= 60 ? TaskState::succeeded : TaskState::ready);
      task.row.spec = std::make_shared<const Bytes>(700, static_cast<std::uint8_t>(seq));
      if (seq <= 60) task.row.result = encoded("result of " + std::to_string(seq));
      batch.inserts.push_back(std::move(task));
    }
    batch.updates.push_back(step(70, TaskState::ready, 0, TaskState::running, 1));
    batch.updates.back().next.live.push_back({.epoch = Epoch{1}, .place = kHere});
    batch.updates.push_back(step(71, TaskState::ready, 0, TaskState::leased, 3));
    batch.updates.back().next.live.push_back(
        {.epoch = Epoch{3}, .place = kCloud, .offer_pending = true});
    NewTask waiting = new_task(121, TaskState::waiting);
    waiting.row.task.reason = WaitReason::deps;
    waiting.row.task.deps = 1;
    waiting.row.task.wake = at(900);  // its not_before
    waiting.after = {80};
    waiting.idempotency_key = "key";
    waiting.idempotency_until = at(1000);
    batch.inserts.push_back(std::move(waiting));
    CHECK_OK(open.commit(std::move(batch)));
    open.close();
  }

  Bytes read_file(const std::string& name) {
    std::ifstream file(name, std::ios::binary);
    return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
  }
  void write_file(const std::string& name, const Bytes& bytes) {
    std::ofstream file(name, std::ios::binary | std::ios::trunc);
    file.write(reinterpret_cast<const char*>(bytes.data()),
               static_cast<std::streamsize>(bytes.size()));
  }
  struct Files {
    Bytes file, log;
  };
  // 20 tasks more, and what a kill would leave of the store then: copied while it is open.
  Files killed_after_more(OpenStore& live, const std::string& name, std::uint64_t first,
                          std::size_t spec = 0) {
    CHECK_OK(live.open());
    for (std::uint64_t seq = first; seq < first + 20; ++seq) {
      NewTask task = new_task(seq);
      if (spec > 0) task.row.spec = std::make_shared<const Bytes>(spec, std::uint8_t{7});
      CHECK_OK(live.commit(batch_of(std::move(task))));
    }
    Files left{read_file(name), read_file(name + "-wal")};
    live.close();
    return left;
  }
  void put(const std::string& name, const Files& files) {
    write_file(name, files.file);
    write_file(name + "-wal", files.log);
  }
  void overwrite(std::size_t at_byte, const Bytes& with) {
    Bytes bytes = read_file(path);
    std::copy(with.begin(), with.end(), bytes.begin() + static_cast<std::ptrdiff_t>(at_byte));
    write_file(path, bytes);
  }
  void works() {
    const std::uint64_t seq = open.recovered.next_seq;
    CHECK_OK(open.commit(batch_of(new_task(seq))));
    CHECK_OK(open.find(seq));
    LONGS_EQUAL(0, open.inspect(true)->problems.size());
  }
  // What the loss ledger says of damage.
  static std::uint64_t unknown_losses(OpenStore& store) {
    auto table =
        store.answers.ask<LossTable>([&](auto done) { store.store().losses(std::move(done)); });
    std::uint64_t count = 0;
    for (const LossRow& row : table->rows) {
      CHECK_EQUAL(row.key.cause == LossCause::store, row.at_least);
      count +=
          row.key.data == DataClass::tasks && row.key.cause == LossCause::store ? row.count : 0;
    }
    return count;
  }
  void is_fresh_and_keeps_the_old_file() {
    CHECK_TRUE(open.recovered.fresh);
    CHECK_TRUE(open.recovered.quarantined.has_value());
    CHECK_TRUE(std::filesystem::exists(*open.recovered.quarantined));
    CHECK_TRUE(sqlite::is_set_aside(*open.recovered.quarantined));
    CHECK_FALSE(sqlite::is_set_aside(*open.recovered.quarantined + "-wal"));
  }
};

}  // namespace spillway::store
