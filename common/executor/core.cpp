#include "common/executor/core.h"

#include <algorithm>
#include <bit>

#include "common/executor/limits.h"

namespace spillway::executor {
namespace {

constexpr std::chrono::seconds kHousekeeping{1};

unsigned shards_for(unsigned width) { return std::min(std::bit_ceil(width), 8U); }

Error refusal(Injector::Pushed pushed) {
  if (pushed == Injector::Pushed::closed) {
    return fail(Code::unavailable, "the executor has shut down");
  }
  Error error = fail(Code::busy, "the executor's queue is full");
  error.retry_after = std::chrono::milliseconds(1);
  return error;
}

}  // namespace

Executor::Core::Core(Options options)
    : injector(shards_for(options.workers ? options.workers : usable_cpus()), options.capacity),
      options_(options),
      plain_((options.workers ? options.workers : usable_cpus()) >= kReserveFrom ? 1 : 0),
      blocking_(options.blocking_limit, options.capacity, options.blocking_idle) {
  follow_limits();
  housekeeper_ = std::thread([this] { keep_house(); });
}

Status Executor::Core::submit(Task closure, const SubmitOptions& options) {
  if (!closure) return fail(Code::invalid_argument, "an empty closure");
  Node& node = *closure.operator->();
  node.band = options.band;
  node.stop = options.stop;
  if (options.deadline) node.deadline = options.deadline->time_since_epoch().count();
  // Reading the clock costs as much as the rest of a submission: under load a sample will do.
  thread_local unsigned submissions = 0;
  if (++submissions % 64 == 0 || injector.best_band() == kBands) {
    node.queued_at = std::max(1U, static_cast<std::uint32_t>(now_ns() / 1000));
  }
  const Injector::Pushed pushed =
      options.blocking ? blocking_.push(&node) : injector.push(&node, true);
  if (pushed != Injector::Pushed::yes) {
    refused_.fetch_add(1, std::memory_order_relaxed);
    return refusal(pushed);
  }
  closure.release();
  if (!options.blocking) wake_for_outside(static_cast<unsigned>(options.band));
  return {};
}

void Executor::Core::post(Task closure) {
  Worker* worker = Worker::of(*this);
  if (!worker) {
    if (injector.push(closure.operator->(), false) != Injector::Pushed::yes) return;
    closure.release();
    wake_for_outside(static_cast<unsigned>(Band::normal));
    return;
  }
  Node* node = closure.release();
  node->band = worker->band();
  worker->tallies.spawned.add();
  if (!worker->push(node)) {
    injector.push_again(node);
    wake_for_outside(static_cast<unsigned>(worker->band()));
  } else if (idlers.worth_claiming()) {
    wake_for_spawned();
  }
}

void Executor::Core::wake_for_outside(unsigned band) {
  if (!idlers.worth_claiming()) return;
  std::uint64_t among = (std::uint64_t{1} << active()) - 1;
  if (band > worst_band(0)) among &= ~Idlers<>::bit(0);
  const int worker = idlers.claim(among, plain_);
  if (worker >= 0) workers_[static_cast<std::size_t>(worker)]->signal();
}

// A guest uses a core, too: with it on board, one worker fewer is wanted.
void Executor::Core::wake_for_spawned() {
  const unsigned seats = active();
  const unsigned awake = seats - std::min(seats, idlers.parked());
  if (awake + guests_.load(std::memory_order_relaxed) < width()) {
    wake_for_outside(static_cast<unsigned>(Band::background));
  }
}

void Executor::Core::wake_for_more(const Worker& worker) {
  const unsigned band = injector.best_band();
  if (band < kBands) {
    wake_for_outside(band);
  } else if (work_for(worker)) {
    wake_for_spawned();
  }
}

bool Executor::Core::work_for(const Worker& worker) const {
  const unsigned worst = worst_band(worker.index());
  bool found = injector.best_band() <= worst;
  each_seat([&](const Worker& seat) { found = found || seat.oldest_band() <= worst; });
  return found;
}

// An entry that this seat may run, from another one's deque or inbox; `spawned_only`: no work from
// outside, which a join must not begin. Where something was found last time comes first.
Entry Executor::Core::steal_for(Worker& worker, bool spawned_only) {
  const unsigned worst = worst_band(worker.index());
  auto wanted = [worst](Entry entry) { return band_of(entry) <= worst; };
  const std::size_t count = seated_.load(std::memory_order_acquire);
  for (std::size_t tried = 0, at = worker.last_victim % count; tried < count;
       ++tried, at = (at + 1) % count) {
    Worker* victim = seats_[at].get();
    if (victim == &worker) continue;
    const Entry entry = spawned_only ? victim->steal_spawned(wanted) : victim->steal(wanted);
    if (!entry) continue;
    worker.last_victim = at;
    worker.tallies.stolen.add();
    return entry;
  }
  return 0;
}

void Executor::Core::lend() {
  lent_.fetch_add(1, std::memory_order_seq_cst);
  threads::Lock lock(mutex_);
  staff();
}

void Executor::Core::staff() {
  const unsigned active_seats = active();
  for (unsigned index = 0; index < active_seats; ++index) {
    if (index < threads_.size()) {
      workers_[index]->signal();
    } else {
      Worker* worker = workers_[index] = add_seat(index);
      threads_.emplace_back([worker] { worker->loop(); });
    }
  }
}

Worker* Executor::Core::add_seat(unsigned index) {
  const std::size_t count = seated_.load(std::memory_order_relaxed);
  seats_[count] = std::make_unique<Worker>(*this, index, index == 0 && plain_);
  // release: who sees the count sees the seat.
  seated_.store(count + 1, std::memory_order_release);
  return seats_[count].get();
}

Worker* Executor::Core::sit_down() {
  Worker* guest = nullptr;
  each_seat([&](Worker& seat) {
    // acquire: what the last guest left in the deque's indices is seen.
    if (!guest && seat.index() == Worker::kGuest &&
        !seat.taken.exchange(true, std::memory_order_acquire)) {
      guest = &seat;
    }
  });
  if (!guest) {
    threads::Lock lock(mutex_);
    if (stopped() || guest_seats_ == kGuests) return nullptr;
    ++guest_seats_;
    guest = add_seat(Worker::kGuest);
  }
  guests_.fetch_add(1, std::memory_order_seq_cst);
  return guest;
}

void Executor::Core::stand_up(Worker* guest) {
  guest->flush();
  guests_.fetch_sub(1, std::memory_order_relaxed);
  guest->taken.store(false, std::memory_order_release);
}

void Executor::Core::set_width(unsigned upper_bound) {
  {
    threads::Lock lock(mutex_);
    upper_bound_ = std::clamp(upper_bound, 1U, Idlers<>::kMax);
  }
  follow_limits();
}

void Executor::Core::follow_limits() {
  const unsigned limit = options_.workers ? options_.workers : usable_cpus();
  threads::Lock lock(mutex_);
  if (closed_) return;
  const unsigned wanted = std::min({limit, upper_bound_, Idlers<>::kMax});
  if (width_.exchange(wanted, std::memory_order_seq_cst) == wanted && !threads_.empty()) return;
  for (Worker* worker : workers_) {
    if (worker) worker->signal();  // workers too many retire, the others look once more
  }
  staff();
}

void Executor::Core::keep_house() {
  threads::Lock lock(mutex_);
  while (!closing_.wait_for(lock, kHousekeeping, [this]() REQUIRES(mutex_) { return closed_; })) {
    lock.unlock();
    follow_limits();
    trim_nodes();
    lock.lock();
  }
}

std::uint64_t Executor::Core::accepted() const {
  std::uint64_t accepted = injector.accepted() + blocking_.accepted();
  each_seat([&](const Worker& seat) { accepted += seat.tallies.spawned.get(); });
  return accepted;
}

std::uint64_t Executor::Core::ended() const {
  std::uint64_t ended = blocking_.ended();
  each_seat([&](const Worker& seat) { ended += seat.outcomes.total(); });
  return ended;
}

// Closures that ended are counted first: if those accepted are no more, nothing was under way
// between the two counts.
bool Executor::Core::all_ended() const {
  const std::uint64_t done = ended();
  return done == accepted();
}

// In this order: nothing more is admitted; all that was is run, or told that it was dropped; only
// then do threads stop, so that none leaves work behind. Threads end outside the lock, which they
// may want.
ShutdownReport Executor::Core::shutdown(Shutdown mode) {
  threads::Lock once(shutdown_mutex_);
  if (stopped()) return report_;
  injector.close();
  blocking_.close();
  if (mode == Shutdown::cancel) {
    discarding_.store(true, std::memory_order_seq_cst);
    blocking_.discard();
  }
  while (!all_ended()) std::this_thread::sleep_for(std::chrono::microseconds(50));
  std::vector<std::thread> threads;
  {
    threads::Lock lock(mutex_);
    closed_ = true;
    closing_.notify_all();
    stopped_.store(true, std::memory_order_seq_cst);
    for (Worker* worker : workers_) {
      if (worker) worker->signal();
    }
    threads.swap(threads_);
  }
  housekeeper_.join();
  for (std::thread& thread : threads) thread.join();
  report_ = counters().closures;
  report_.accepted = ended();  // the live count may include a submission that is being refused
  return report_;
}

Counters Executor::Core::counters() const {
  Counters counters;
  each_seat([&](const Worker& seat) {
    seat.outcomes.add_to(counters.closures);
    seat.telemetry.add_to(counters.queue_delay);
    counters.workers.push_back({seat.outcomes.total(), seat.tallies.stolen.get(),
                                seat.tallies.injected.get(), seat.tallies.parked.get()});
  });
  blocking_.add_to(counters.closures);
  counters.closures.accepted = accepted();
  counters.refused = refused_.load(std::memory_order_relaxed);
  counters.queued = injector.size() + blocking_.waiting();
  counters.blocking_threads = blocking_.threads();
  return counters;
}

// https://docs.google.com/document/d/1CvAClvFfyA5R-PhYUmn5OOQtYMH4h6I0nSsKchNAySU, "Complete
// events": one row per seat, times in µs.
std::string Executor::Core::chrome_trace(std::size_t most) const {
  std::string json = "{\"displayTimeUnit\":\"ns\",\"traceEvents\":[";
  std::size_t row = 0;
  const char* comma = "";
  each_seat([&](const Worker& seat) {
    seat.telemetry.each(most / seated_.load(std::memory_order_acquire), [&](const Event& event) {
      json += comma;
      json += "{\"ph\":\"X\",\"pid\":1,\"tid\":" + std::to_string(row) + ",\"name\":\"";
      json += to_string(event.band);
      json += "\",\"ts\":" + std::to_string(event.start / 1000) +
              ",\"dur\":" + std::to_string(event.duration) +
              ",\"args\":{\"queued_us\":" + std::to_string(event.delay) + "}}";
      comma = ",";
    });
    ++row;
  });
  return json + "]}";
}

Executor::Executor(Options options) : core_(std::make_unique<Core>(std::move(options))) {}
Executor::~Executor() { shutdown(Shutdown::cancel); }
Status Executor::try_submit(Task closure, const SubmitOptions& options) {
  return core_->submit(std::move(closure), options);
}
void Executor::post(Task closure) { core_->post(std::move(closure)); }
unsigned Executor::width() const { return core_->width(); }
unsigned Executor::blocking_limit() const { return core_->blocking_limit(); }
void Executor::set_width(unsigned upper_bound) { core_->set_width(upper_bound); }
Counters Executor::counters() const { return core_->counters(); }
std::string Executor::chrome_trace(std::size_t most) const { return core_->chrome_trace(most); }
ShutdownReport Executor::shutdown(Shutdown mode) { return core_->shutdown(mode); }

}  // namespace spillway::executor
