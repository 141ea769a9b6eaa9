#pragma once

#include <cstdint>
#include <unordered_map>

#include "spillway/status.h"

namespace spillway::sqlite {

// Which rows the last commits refused, for those who wait for a commit and speak of a row. What is
// said of one commit may rest on it and on the one before, which was under way. Loop only.
template <class Id>
class Refusals {
 public:
  // Commits so far; noted by whoever begins to wait.
  std::uint64_t commits() const { return commits_; }
  void on_commit() {
    ++commits_;
    std::erase_if(rows_, [this](const auto& row) { return row.second.commit + 1 < commits_; });
  }
  // A row that the commit told last refused.
  void add(const Id& id, Error why) { rows_[id] = {std::move(why), commits_}; }
  // Why a commit after that one refused the row; null: none did.
  const Error* since(std::uint64_t commits, const Id& id) const {
    auto row = rows_.find(id);
    return row == rows_.end() || row->second.commit <= commits ? nullptr : &row->second.why;
  }

 private:
  struct Refusal {
    Error why;
    std::uint64_t commit = 0;
  };
  std::uint64_t commits_ = 0;
  std::unordered_map<Id, Refusal> rows_;
};

}  // namespace spillway::sqlite
