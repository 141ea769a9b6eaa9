#include "common/kinds/csv_steps.h"

namespace spillway::kinds {
namespace {

constexpr std::size_t kMostLengths = 1000;
constexpr std::size_t kFewestSteps = 4;

}  // namespace

void TimeSteps::add(std::int64_t time, std::size_t line) {
  const std::int64_t step = time - last_.value_or(time);
  last_ = time;
  if (step < 0 && back_.count++ == 0) back_.line = line;
  if (step <= 0) return;
  if (forward_.size() == kMostLengths && !forward_.contains(step)) return;
  Found& found = forward_[step];
  if (found.count++ == 0) found = {1, line, step};
  ++steps_;
}

std::int64_t TimeSteps::median() const {
  std::size_t shorter = 0;
  for (const auto& [step, found] : forward_) {
    shorter += found.count;
    if (2 * shorter >= steps_) return step;
  }
  return 0;
}

TimeSteps::Found TimeSteps::gaps() const {
  Found gaps;
  if (steps_ < kFewestSteps) return gaps;
  for (auto at = forward_.upper_bound(median() + median() / 2); at != forward_.end(); ++at) {
    const Found& found = at->second;
    const bool first = gaps.count == 0 || found.line < gaps.line;
    gaps = {gaps.count + found.count, first ? found.line : gaps.line,
            first ? found.step : gaps.step};
  }
  return gaps;
}

}  // namespace spillway::kinds
