#include "tests/chaos/losses.h"

#include <algorithm>

namespace spillway::chaos {
namespace {

std::string number(std::uint64_t count) { return std::to_string(count); }

std::uint64_t counted(const NodeView& node, DataClass data, bool (*wanted)(LossCause)) {
  std::uint64_t sum = 0;
  for (const LossView& loss : node.losses) {
    if (loss.data == data && wanted(loss.cause)) sum += loss.count;
  }
  return sum;
}

bool is_end(LossCause cause) { return cause == LossCause::deadline || cause == LossCause::age; }

}  // namespace

LossSums sums_of(const NodeView& node) {
  LossSums sums;
  for (const LossView& loss : node.losses) {
    sums[{std::string(to_string(loss.data)), std::string(to_string(loss.cause))}] += loss.count;
  }
  return sums;
}

std::vector<std::string> check_losses(const std::string& who, const SeenLosses& seen,
                                      std::uint64_t accepted, const NodeView& node) {
  std::vector<std::string> wrong;
  const auto expect = [&](bool holds, const std::string& what) {
    if (!holds) wrong.push_back("P23: " + who + ": " + what);
  };
  const std::uint64_t refused =
      counted(node, DataClass::tasks, [](LossCause cause) { return !is_end(cause); });
  const std::uint64_t unwritten =
      counted(node, DataClass::tasks, [](LossCause cause) { return cause == LossCause::store; });
  const std::uint64_t expired = counted(node, DataClass::tasks, is_end);
  const std::uint64_t gone = counted(node, DataClass::results, [](LossCause) { return true; });
  const std::uint64_t sure = refused - unwritten;
  expect(seen.refused <= sure && sure <= seen.refused + seen.unanswered,
         number(seen.refused) + " submits were refused and " + number(seen.unanswered) +
             " not answered, the ledger says " + number(sure));
  expect(unwritten <= seen.unwritten + seen.unanswered,
         number(seen.unwritten) + " submits met a store that could not write, the ledger says " +
             number(unwritten));
  expect(seen.expired == expired,
         number(seen.expired) + " tasks expired, the ledger says " + number(expired));
  expect(seen.gone == gone,
         number(seen.gone) + " results are gone, the ledger says " + number(gone));
  const std::uint64_t tasks = node.produced[std::size_t(DataClass::tasks)];
  expect(tasks == accepted + refused, number(tasks) + " tasks were produced, " + number(accepted) +
                                          " accepted and " + number(refused) + " refused");
  const std::uint64_t results = node.produced[std::size_t(DataClass::results)];
  expect(results == seen.finished + gone, number(results) + " results were produced, " +
                                              number(seen.finished) + " are there and " +
                                              number(gone) + " gone");
  return wrong;
}

std::vector<std::string> check_damage(const std::string& who, const Verdicts& verdicts,
                                      bool set_aside) {
  if (!verdicts.node) return {};
  const bool said = std::any_of(
      verdicts.node->losses.begin(), verdicts.node->losses.end(), [](const LossView& loss) {
        return loss.data == DataClass::tasks && loss.cause == LossCause::store && loss.at_least;
      });
  if (said) return {};
  std::vector<std::string> wrong;
  if (verdicts.by_page > 0) {
    wrong.push_back("P23: " + who + ": " + number(verdicts.by_page) +
                    " tasks went with a damaged store, and its losses do not say so");
  }
  if (set_aside) {
    wrong.push_back("P23: " + who +
                    ": a damaged store was set aside, and its losses do not say that nobody knows "
                    "how much was lost");
  }
  return wrong;
}

}  // namespace spillway::chaos
