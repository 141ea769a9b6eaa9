#pragma once

#include <cstdint>
#include <vector>

#include "spillway/ids.h"
#include "spillway/time.h"

namespace spillway::link {

// What the births of one node, a device or a cloud, tell of who speaks as it. Every start of a
// process has a boot id of its own, so one that comes back after another is of processes that take
// the connection from each other: of copies of one node, two or as many as an image was written to.
// Once may be a birth that was overtaken, and a node that is put back, made anew or restarted has a
// new boot id each time. Pure; one thread.
class Births {
 public:
  enum class Sign : std::uint8_t {
    none,
    doubt,   // a boot id came back lately: what this birth says of its store may be another's
    cloned,  // this one shows, again, that several speak in turn
  };
  // Takes each birth as it comes, and says what it shows. A store that was never heard of is this
  // birth's own, whoever else speaks: it was made anew.
  Sign note(BootId boot, Origin store, std::uint64_t session, NodeTime now);

  static constexpr std::size_t kMostBoots = 8;  // that are remembered: of so many copies
  static constexpr Duration kLately = std::chrono::minutes(10);  // as long as a fleet shows it
  // A birth of a lower session number than that of another start just before was overtaken by it.
  static constexpr Duration kOvertaken = std::chrono::seconds(5);

 private:
  std::vector<BootId> boots_;   // the latest that came first
  std::vector<Origin> stores_;  // likewise; none of a program that tells of none
  BootId current_;              // of the latest birth that was not overtaken
  std::uint64_t session_ = 0;   // that birth's
  NodeTime at_{};               // when it came
  double came_back_ = 0;        // births, fading with each new boot id
  NodeTime last_{};             // when one came back
};

}  // namespace spillway::link
