#include "common/sqlite/table_salvage.h"

#include <algorithm>
#include <string>

namespace spillway::sqlite {
namespace {

constexpr std::int64_t kProbes = 64;

class Copier {
 public:
  Copier(const Database& damaged, const Database& fresh, const SalvagedTable& table)
      : damaged_(damaged), fresh_(fresh), table_(table) {}

  // Errors of the fresh file only; where the damaged one cannot be read, the copy goes on further.
  Status copy() {
    const std::string name = table_.name;
    std::string about = " FROM pragma_table_info('" + name + "')";
    Result<std::string> there = damaged_.text("SELECT group_concat(quote(name), ', ')" + about);
    if (!there || there->empty()) return {};
    about.append(" WHERE name IN (").append(*there).append(")");
    Result<std::string> names = fresh_.text("SELECT group_concat(name, ', ')" + about);
    Result<std::int64_t> count = fresh_.integer("SELECT count(*)" + about);
    if (!names || !count) return names ? count.error() : names.error();
    names_ = *std::move(names);
    count_ = static_cast<int>(*count);
    std::string marks = "?1";
    for (int i = 2; i <= count_; ++i) marks += ", ?" + std::to_string(i);
    Result<Statement> put = fresh_.prepare("INSERT OR IGNORE INTO " + name + " (" + names_ +
                                           ") VALUES (" + marks + ")");
    if (!put) return std::move(put).error();
    if (Status status = copy_table(*put); !status || table_.index == nullptr) return status;
    return copy_from(*put, std::string(" INDEXED BY ") + table_.index);
  }

 private:
  Status copy_table(const Statement& put) {
    if (table_.key == nullptr) return copy_from(put, "");
    std::int64_t step = 1;
    for (std::int64_t probe = 0; probe < kProbes && !finished_; ++probe) {
      const std::int64_t before = next_;
      const std::string key = table_.key;
      std::string from = " WHERE " + key;
      from.append(" >= ").append(std::to_string(next_)).append(" ORDER BY ").append(key);
      if (Status status = copy_from(put, from); !status) return status;
      step = next_ > before ? 1 : std::min(step, INT64_MAX / 2) * 2;
      next_ = next_ > INT64_MAX - step ? INT64_MAX : next_ + step;
    }
    return {};
  }

  Status copy_from(const Statement& put, const std::string& from) {
    Result<Statement> get =
        damaged_.prepare("SELECT " + names_ + " FROM " + std::string(table_.name) + from);
    if (!get) return {};
    Cursor rows = get->use();
    for (;;) {
      Result<bool> more = rows.step();
      if (!more) return {};
      if (!*more) break;
      next_ = table_.key != nullptr ? rows.integer(0) + 1 : 0;
      if (table_.makes_sense && !table_.makes_sense(rows)) continue;
      Cursor row = put.use();
      for (int i = 0; i < count_; ++i) row.bind_column(i + 1, rows, i);
      Status status = row.run();
      // A damaged value may break a constraint.
      if (!status && status.error().code != Code::conflict) return status;
    }
    finished_ = true;
    return {};
  }

  const Database& damaged_;
  const Database& fresh_;
  const SalvagedTable& table_;
  // Columns that both versions know: a newer one's are left behind, a younger one's are not there.
  std::string names_;
  int count_ = 0;
  std::int64_t next_ = INT64_MIN;
  bool finished_ = false;
};

}  // namespace

Status salvage_table(const Database& damaged, const Database& fresh, const SalvagedTable& table) {
  return Copier(damaged, fresh, table).copy();
}

}  // namespace spillway::sqlite
