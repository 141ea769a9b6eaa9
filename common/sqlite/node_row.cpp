#include "common/sqlite/node_row.h"

#include "common/crypto/random.h"

namespace spillway::sqlite {
namespace {

// Every column but the id, in the order they are bound; all are integers.
template <class Row, class Each>
void each_column(Row& node, Each each) {
  each("origin", node.origin.value);
  each("next_seq", node.next_seq);
  each("last_seen", node.last_seen);
  each("wall", node.wall);
  each("session", node.session);
  for (std::size_t i = 0; i < node.counts.size(); ++i) {
    each("count" + std::to_string(i), node.counts[i]);
  }
  for (std::size_t i = 0; i < node.produced.size(); ++i) {
    each("produced" + std::to_string(i), node.produced[i]);
  }
  each("events", node.events);
  each("keys", node.keys);
  each("written", node.written);
  each("flash", node.flash);
}

void read_into(std::uint64_t& field, const Cursor& row, int at) {
  field = row.unsigned_integer(at);
}
void read_into(NodeTime& field, const Cursor& row, int at) {
  field = NodeTime(Duration(row.integer(at)));
}
void read_into(Duration& field, const Cursor& row, int at) { field = Duration(row.integer(at)); }

std::int64_t stored(std::uint64_t value) { return static_cast<std::int64_t>(value); }
std::int64_t stored(NodeTime value) { return value.time_since_epoch().count(); }
std::int64_t stored(Duration value) { return value.count(); }

Cursor& bind_node(Cursor& cursor, const NodeRow& node) {
  int at = 0;
  each_column(node, [&](const auto&, const auto& field) { cursor.bind(++at, stored(field)); });
  return cursor;
}

// "origin = ?1, next_seq = ?2, …", or only names, or only parameters.
std::string columns(bool names, bool parameters) {
  const NodeRow any;
  std::string text;
  int at = 0;
  each_column(any, [&](const std::string& name, const auto&) {
    text += at++ == 0 ? "" : ", ";
    if (names) text += name;
    if (names && parameters) text += " = ";
    if (parameters) text += "?" + std::to_string(at);
  });
  return text;
}

}  // namespace

Result<NodeRow> read_node(const Database& database) {
  Result<Statement> statement =
      database.prepare("SELECT " + columns(true, false) + " FROM node WHERE id = 1");
  if (!statement) return std::move(statement).error();
  Cursor cursor = statement->use();
  Result<bool> row = cursor.step();
  if (!row) return std::move(row).error();
  if (!*row || cursor.integer(1) < 1 || cursor.integer(2) < 0) {
    return fail(Code::corrupt, "the store does not say whose it is");
  }
  NodeRow node;
  int at = 0;
  each_column(node, [&](const auto&, auto& field) { read_into(field, cursor, at++); });
  return node;
}

Status found_node(const Database& fresh) {
  NodeRow node;
  node.origin.value = crypto::random_u64();
  return insert_node(fresh, node);
}

Status insert_node(const Database& database, const NodeRow& node) {
  Result<Statement> statement = database.prepare("INSERT INTO node (id, " + columns(true, false) +
                                                 ") VALUES (1, " + columns(false, true) + ")");
  if (!statement) return std::move(statement).error();
  Cursor cursor = statement->use();
  return bind_node(cursor, node).run();
}

const std::string& write_node_sql() {
  static const std::string sql = "UPDATE node SET " + columns(true, true) + " WHERE id = 1";
  return sql;
}

Status write_node(Cursor cursor, const NodeRow& node) { return bind_node(cursor, node).run(); }

}  // namespace spillway::sqlite
