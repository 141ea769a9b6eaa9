#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>

namespace spillway::kinds {

// How a column of times goes on from row to row: where it goes back, and where much more time
// passes than between most rows. Of more than a thousand different steps only the first thousand
// count, so that memory is bounded. One thread.
class TimeSteps {
 public:
  struct Found {
    std::size_t count = 0;
    std::size_t line = 0;   // of the first
    std::int64_t step = 0;  // of the first, in milliseconds
  };

  void add(std::int64_t time, std::size_t line);

  const Found& back() const { return back_; }
  // Steps of more than one and a half times the median; none while there are too few to tell.
  Found gaps() const;
  std::int64_t median() const;

 private:
  std::optional<std::int64_t> last_;
  Found back_;
  std::size_t steps_ = 0;
  std::map<std::int64_t, Found> forward_;  // by their length
};

}  // namespace spillway::kinds
