#pragma once

#include <array>
#include <cstdint>

#include "common/store/database.h"
#include "spillway/ids.h"
#include "spillway/time.h"

namespace spillway::store {

// The one row of table `node`: who a store is and how far it has come. Written with every commit,
// so that nothing has to be searched or counted at a start.
struct NodeRow {
  Origin origin;
  std::uint64_t next_seq = 1;
  NodeTime last_seen{};
  Duration wall{};
  std::uint64_t session = 0;
  std::array<std::uint64_t, 8> counts{};  // rows by state
};

// A row that is missing or makes no sense is damage (corrupt).
Result<NodeRow> read_node(const Database& database);
Status insert_node(const Database& database, const NodeRow& node);

inline constexpr const char* kWriteNode =
    "UPDATE node SET origin = ?1, next_seq = ?2, last_seen = ?3, wall = ?4, session = ?5, "
    "count0 = ?6, count1 = ?7, count2 = ?8, count3 = ?9, count4 = ?10, count5 = ?11, "
    "count6 = ?12, count7 = ?13 WHERE id = 1";
// Runs kWriteNode.
Status write_node(Cursor cursor, const NodeRow& node);

}  // namespace spillway::store
