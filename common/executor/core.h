#pragma once

#include <array>
#include <atomic>
#include <memory>
#include <thread>
#include <vector>

#include "common/executor/blocking.h"
#include "common/executor/executor.h"
#include "common/executor/idlers.h"
#include "common/executor/injector.h"
#include "common/executor/worker.h"
#include "common/threads/mutex.h"

namespace spillway::executor {

// What the seats share. Seats are made when first needed and live as long as this.
class Executor::Core {
 public:
  explicit Core(Options options);

  Status submit(Task closure, const SubmitOptions& options);
  void post(Task closure);
  ShutdownReport shutdown(Shutdown mode);
  void set_width(unsigned upper_bound);
  Counters counters() const;
  std::string chrome_trace(std::size_t most) const;

  Injector injector;
  Idlers<> idlers;

  // seq_cst: a worker that retires or parks must not miss what set_width() or shutdown() decided.
  unsigned width() const { return width_.load(std::memory_order_seq_cst); }
  unsigned blocking_limit() const { return blocking_.limit(); }
  unsigned active() const {
    return std::min(width() + lent_.load(std::memory_order_seq_cst), Idlers<>::kMax);
  }
  bool stopped() const { return stopped_.load(std::memory_order_seq_cst); }
  bool discarding() const { return discarding_.load(std::memory_order_relaxed); }

  // The worst band this seat runs: one worker of four or more is kept for the two best.
  unsigned worst_band(unsigned index) const {
    return index == 0 && width() >= kReserveFrom ? static_cast<unsigned>(Band::high) : kBands - 1;
  }

  void wake_for_outside(unsigned band);
  void wake_for_spawned();
  void wake_for_more(const Worker& worker);  // by one that stops searching
  bool work_for(const Worker& worker) const;
  // False only if whoever forks next will see that the caller is parked.
  bool others_awake() const {
    return idlers.parked() < active() || guests_.load(std::memory_order_seq_cst) != 0;
  }
  Entry steal_for(Worker& worker, bool spawned_only);

  // A worker that sleeps in a join lends its place to a spare until it takes it back.
  void lend();
  void take_back() { lent_.fetch_sub(1, std::memory_order_seq_cst); }

  Worker* sit_down();  // null when all guests' seats are taken
  void stand_up(Worker* guest);

 private:
  static constexpr unsigned kReserveFrom = 4;
  static constexpr unsigned kGuests = 8;

  // Makes sure that the active seats have threads that are awake.
  void staff() REQUIRES(mutex_);
  void follow_limits();
  void keep_house();
  Worker* add_seat(unsigned index) REQUIRES(mutex_);
  std::uint64_t accepted() const;
  std::uint64_t ended() const;
  bool all_ended() const;
  template <class Visit>
  void each_seat(Visit&& visit) const {
    const std::size_t count = seated_.load(std::memory_order_acquire);
    for (std::size_t i = 0; i < count; ++i) visit(*seats_[i]);
  }

  const Options options_;
  // How many seats are wanted is looked at between parking and sleeping, so it is seq_cst like what
  // Idlers does there. Elsewhere guests_ is relaxed: a stale one wakes a worker too many or too
  // few, and the nap of those who park while others run makes up for it.
  std::atomic<unsigned> width_{1};
  std::atomic<unsigned> lent_{0};
  std::atomic<unsigned> guests_{0};
  std::atomic<bool> stopped_{false};
  // relaxed in those who run: one that sees it late runs a closure more, which counts as run.
  std::atomic<bool> discarding_{false};
  std::atomic<std::uint64_t> refused_{0};  // relaxed: a count that orders nothing
  const std::uint64_t plain_;              // seats that never count as searchers

  threads::Mutex shutdown_mutex_;
  ShutdownReport report_ GUARDED_BY(shutdown_mutex_);
  mutable threads::Mutex mutex_ ACQUIRED_AFTER(shutdown_mutex_);  // also of adding seats
  threads::Condition closing_;
  bool closed_ GUARDED_BY(mutex_) = false;
  unsigned upper_bound_ GUARDED_BY(mutex_) = Idlers<>::kMax;
  unsigned guest_seats_ GUARDED_BY(mutex_) = 0;
  std::array<std::unique_ptr<Worker>, Idlers<>::kMax + kGuests> seats_;
  std::atomic<std::size_t> seated_{0};
  std::array<Worker*, Idlers<>::kMax> workers_{};  // by index
  std::vector<std::thread> threads_ GUARDED_BY(mutex_);
  BlockingPool blocking_;
  std::thread housekeeper_;
};

}  // namespace spillway::executor
