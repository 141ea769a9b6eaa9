#pragma once

#include <atomic>
#include <cstddef>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_set>
#include <utility>

#include "spillway/ids.h"
#include "spillway/status.h"

namespace spillway::runner {

// Which attempts' bodies have begun and are not accounted for, in a small file that outlives the
// process: what a kill interrupted can be told from what was only about to run. It is written
// without sync, about a microsecond a mark, so a stop of the whole machine proves nothing and is
// recognised by the machine's boot. Marks may be made on any thread.
class RunRegister : public std::enable_shared_from_this<RunRegister> {
 public:
  // Reads what the process before left and begins anew. `machine_boot` names the machine's present
  // start, as /proc/sys/kernel/random/boot_id does; at most 64 bytes of it count.
  static Result<std::shared_ptr<RunRegister>> open(const std::string& path,
                                                   std::string_view machine_boot);
  ~RunRegister();
  RunRegister(const RunRegister&) = delete;
  RunRegister& operator=(const RunRegister&) = delete;

  // Whether a body of this task may have begun before the process before ended, and not been
  // accounted for; false only when surely not.
  bool may_have_begun(TaskId id) const { return unknown_ || begun_.contains(id); }

  // The mark stands until what is returned is gone; null when there is no room for it.
  [[nodiscard]] std::shared_ptr<const void> begin(TaskId id);

 private:
  static constexpr std::size_t kSlots = 4096;  // marks at once
  RunRegister(std::string path, int file) : path_(std::move(path)), file_(file) {}
  void read(std::string_view machine_boot);
  Status reset(std::string_view machine_boot);
  void end(std::size_t slot);
  void write(std::size_t slot, TaskId id);
  void give_up();

  const std::string path_;
  const int file_;
  bool unknown_ = true;  // nothing can be said of the process before
  std::unordered_set<TaskId> begun_;
  std::atomic<std::size_t> next_{0};  // where to look for a free slot
  std::atomic<bool> taken_[kSlots] = {};
};

// Names the present start of this machine; empty when the system does not say.
std::string machine_boot();

}  // namespace spillway::runner
