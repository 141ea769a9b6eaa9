#include "tests/bench/report/comparison.h"

#include <algorithm>

#include "tests/bench/report/samples.h"

namespace spillway::bench {
namespace {

const Row* row_of(const Report& report, const Row& wanted) {
  const auto found = std::find_if(report.rows().begin(), report.rows().end(), [&](const Row& row) {
    return row.name == wanted.name && row.unit == wanted.unit;
  });
  return found != report.rows().end() ? &*found : nullptr;
}

Row median_row(const std::vector<Turn>& turns, const Row& wanted) {
  Samples values, references, before, ratios;
  for (const Turn& turn : turns) {
    const Row* now = row_of(turn.now, wanted);
    const Row* then = row_of(turn.before, wanted);
    if (now != nullptr) values.add(now->value);
    if (now != nullptr && now->reference) references.add(*now->reference);
    if (then != nullptr) before.add(then->value);
    if (now != nullptr && then != nullptr && then->value != 0) ratios.add(now->value / then->value);
  }
  Row row{wanted.name, values.median(), wanted.unit};
  row.goal = wanted.goal;
  if (references.count() > 0) row.reference = references.median();
  if (before.count() > 0) row.before = {before.median(), ratios.quantile(0), ratios.quantile(1)};
  return row;
}

}  // namespace

Report compare(const std::vector<Turn>& turns, const std::string& revision) {
  Report report(turns.front().now.bench());
  for (const auto& [name, value] : turns.front().now.conditions()) report.condition(name, value);
  report.condition("against", revision + ", " + std::to_string(turns.size()) +
                                  (turns.size() == 1 ? " turn" : " turns, medians"));
  for (const Turn& turn : turns) {
    for (const Row& row : turn.now.rows()) {
      if (row_of(report, row) == nullptr) report.add(median_row(turns, row));
    }
  }
  return report;
}

}  // namespace spillway::bench
