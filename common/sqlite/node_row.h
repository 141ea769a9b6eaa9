#pragma once

#include <array>
#include <cstdint>
#include <string>

#include "common/sqlite/database.h"
#include "spillway/ids.h"
#include "spillway/loss.h"
#include "spillway/time.h"

namespace spillway::sqlite {

// The one row of table `node`: who a store is and how far it has come. Written with every commit,
// so that nothing has to be searched or counted at a start.
struct NodeRow {
  Origin origin;
  std::uint64_t next_seq = 1;
  NodeTime last_seen{};
  Duration wall{};
  std::uint64_t session = 0;
  std::array<std::uint64_t, 8> counts{};  // rows, by the number in their column `state`
  std::array<std::uint64_t, kDataClasses> produced{};  // ever, by class
  std::uint64_t events = 0;                            // rows
  std::uint64_t keys = 0;                              // rows
  std::uint64_t written = 0;                           // bytes, ever
  std::uint64_t flash = 0;  // bytes spent of a day's budget of writing, at last_seen
};

// A row that is missing or makes no sense is damage (corrupt).
Result<NodeRow> read_node(const Database& database);
Status insert_node(const Database& database, const NodeRow& node);
// The row of a new store: an origin drawn at random, and nothing else.
Status found_node(const Database& fresh);

const std::string& write_node_sql();
// Runs write_node_sql().
Status write_node(Cursor cursor, const NodeRow& node);

}  // namespace spillway::sqlite
