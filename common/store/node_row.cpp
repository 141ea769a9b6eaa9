#include "common/store/node_row.h"

namespace spillway::store {
namespace {

Cursor& bind_node(Cursor& cursor, const NodeRow& node) {
  cursor.bind(1, static_cast<std::int64_t>(node.origin.value))
      .bind(2, static_cast<std::int64_t>(node.next_seq))
      .bind(3, node.last_seen.time_since_epoch().count())
      .bind(4, node.wall.count())
      .bind(5, static_cast<std::int64_t>(node.session));
  for (std::size_t i = 0; i < node.counts.size(); ++i) {
    cursor.bind(6 + static_cast<int>(i), static_cast<std::int64_t>(node.counts[i]));
  }
  return cursor;
}

}  // namespace

Result<NodeRow> read_node(const Database& database) {
  Result<Statement> statement = database.prepare(
      "SELECT origin, next_seq, last_seen, wall, session, count0, count1, count2, count3, count4, "
      "count5, count6, count7 FROM node WHERE id = 1");
  if (!statement) return std::move(statement).error();
  Cursor cursor = statement->use();
  Result<bool> row = cursor.step();
  if (!row) return std::move(row).error();
  if (!*row || cursor.integer(1) < 1 || cursor.integer(2) < 0) {
    return fail(Code::corrupt, "the store does not say whose it is");
  }
  NodeRow node;
  node.origin.value = cursor.unsigned_integer(0);
  node.next_seq = cursor.unsigned_integer(1);
  node.last_seen = NodeTime(Duration(cursor.integer(2)));
  node.wall = Duration(cursor.integer(3));
  node.session = cursor.unsigned_integer(4);
  for (std::size_t i = 0; i < node.counts.size(); ++i) {
    node.counts[i] = cursor.unsigned_integer(5 + static_cast<int>(i));
  }
  return node;
}

Status insert_node(const Database& database, const NodeRow& node) {
  Result<Statement> statement = database.prepare(
      "INSERT INTO node VALUES (1, ?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13)");
  if (!statement) return std::move(statement).error();
  Cursor cursor = statement->use();
  return bind_node(cursor, node).run();
}

Status write_node(Cursor cursor, const NodeRow& node) { return bind_node(cursor, node).run(); }

}  // namespace spillway::store
