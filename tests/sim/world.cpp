#include "tests/sim/world.h"

#include <cstdarg>
#include <cstdio>

namespace spillway::sim {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

// P5: after healing, in simulated time. The longest way out is a task that takes its place down
// again and again, with a lease to run out each time, in front of others that wait for it.
constexpr Duration kBound = seconds(120);
constexpr std::uint32_t kMostEvents = 100'000;
constexpr Duration kForEver = std::chrono::hours(24);

constexpr const char* kMessages[] = {"OFFER",    "ACCEPT", "NACK",       "BEAT",
                                     "BEAT_ACK", "RESULT", "RESULT_ACK", "CANCEL"};
constexpr const char* kCauses[] = {"ACCEPT",  "started",    "BEAT",      "NACK",        "success",
                                   "failure", "time",       "link down", "withdraw",    "grant",
                                   "recover", "dependency", "no place",  "place found", "cancel",
                                   "hold",    "release",    "retry"};
constexpr const char* kLesseeCauses[] = {"OFFER",  "start", "finish", "RESULT_ACK",
                                         "cancel", "keep",  "time",   "recover"};
constexpr const char* kNodes[] = {"owner ", "lessee"};

}  // namespace

const char* to_string(MessageKind kind) { return kMessages[static_cast<std::size_t>(kind)]; }
const char* to_string(Cause cause) { return kCauses[static_cast<std::size_t>(cause)]; }
const char* to_string(LesseeCause cause) { return kLesseeCauses[static_cast<std::size_t>(cause)]; }

World::World(Variant variant, const std::vector<LinkTrace>* traces)
    : variant_(variant),
      traces_(traces),
      machine_(make_machine(variant)),
      owner_(*this),
      lessee_(*this) {}

Duration World::world_time(NodeName node, NodeTime time) const {
  if (time == kNever) return Duration::max();
  return time.time_since_epoch() - power(node).offset;
}

void World::begin(std::uint64_t seed, const Limits& limits, bool keep_log) {
  random_ = Random(seed);
  plan_ = make_plan(random_, limits.max_tasks);
  if (plan_.faults.traced) {
    const bool any = traces_ != nullptr && !traces_->empty();
    const auto count = any ? static_cast<unsigned>(traces_->size()) : 1U;
    const std::size_t which = random_.below(count);
    traced_.begin(any ? &(*traces_)[which] : nullptr, random_);
  }
  checks_.begin(plan_);
  stats_.count(Seen::accepted, plan_.tasks);
  queue_.clear();
  pool_.clear();
  power_ = {};
  newest_ = {};
  now_ = healed_at_ = {};
  events_ = sent_ = in_flight_ = link_change_ = 0;
  chaos_ = link_ = told_link_ = true;
  logging_ = keep_log;
  log_.clear();
  owner_.begin();
  lessee_.begin();
  push(plan_.faults.chaos, Happening::heal, NodeName::owner, 0);
  push(plan_.faults.pause, Happening::fault, NodeName::owner, 0);
}

Outcome World::run(std::uint64_t seed, const Limits& limits, bool keep_log) {
  begin(seed, limits, keep_log);
  do {
    if (power(NodeName::owner).alive) owner_.settle();
    if (power(NodeName::lessee).alive) lessee_.settle();
    if (chaos_ && events_ >= limits.chaos_events) heal();
  } while (step() && !checks_.failed());
  stats_.count(Seen::events, events_);
  return {checks_.failure(), events_, chaos_ ? Duration{} : now_ - healed_at_, log_};
}

bool World::step() {
  if (!chaos_ && in_flight_ == 0 && is_quiet()) return false;
  const Duration owner_at =
      is_alive(NodeName::owner) ? world_time(NodeName::owner, owner_.wake_at()) : kForEver;
  const Duration lessee_at =
      is_alive(NodeName::lessee) ? world_time(NodeName::lessee, lessee_.wake_at()) : kForEver;
  const Duration queue_at = queue_.next_at();
  const Duration next = std::min({owner_at, lessee_at, queue_at});
  if (!chaos_ && (next - healed_at_ > kBound || events_ > kMostEvents)) {
    checks_.fail("P5", "healed, but not all tasks became terminal in bounded time");
    return false;
  }
  now_ = std::max(now_, next);
  ++events_;
  if (owner_at < queue_at && owner_at <= lessee_at) {
    owner_.wake();
  } else if (lessee_at < queue_at) {
    lessee_.wake();
  } else {
    dispatch(queue_.pop());
  }
  return true;
}

bool World::is_quiet() const {
  return is_alive(NodeName::owner) && is_alive(NodeName::lessee) && owner_.is_quiet() &&
         lessee_.is_quiet();
}

void World::push(Duration after, Happening what, NodeName node, std::uint32_t ref) {
  queue_.push({now_ + after, 0, what, node, ref});
}

void World::dispatch(const Event& event) {
  switch (event.what) {
    case Happening::deliver: return deliver(event.node, event.ref);
    case Happening::committed: return committed(event.node, event.ref);
    case Happening::body_ends:
      return event.node == NodeName::owner ? owner_.body_ends(event.ref)
                                           : lessee_.body_ends(event.ref);
    case Happening::restart:
      if (event.ref == power(event.node).cycle) restart(event.node);
      return;
    case Happening::exit:
      if (event.ref == power(event.node).cycle) crash(event.node, "shut down");
      return;
    case Happening::fault: return fault();
    case Happening::link_told: return link_told(event.ref);
    case Happening::heal:
      if (chaos_) heal();
      return;
  }
}

void World::send(NodeName from, Message message) {
  stats_.count(Seen::messages);
  if (from == NodeName::lessee) check_lessee_tells(message);
  message.sent = ++sent_;
  const FaultPlan& faults = plan_.faults;
  if (!link_ || (chaos_ && random_.per_mille(faults.loss))) {
    stats_.count(Seen::lost_messages);
    return note(from, "%s task %u epoch %u is lost", to_string(message.kind), message.task,
                message.epoch.value);
  }
  unsigned copies = 1;
  if (chaos_ && random_.per_mille(faults.copies)) {
    stats_.count(Seen::duplicated_messages);
    ++copies;
  }
  for (; copies > 0; --copies) {
    ++in_flight_;
    push(delay_of(from), Happening::deliver, other(from), pool_.put(message));
  }
}

Duration World::delay_of(NodeName from) {
  if (chaos_ && plan_.faults.traced) {
    stats_.count(Seen::traced_messages);
    return traced_.arrives(from, now_) - now_;
  }
  Duration delay = random_.between(milliseconds(1), milliseconds(20));
  if (chaos_ && random_.per_mille(plan_.faults.slow)) delay *= 1 + random_.below(200);
  return delay;
}

void World::check_lessee_tells(const Message& message) {
  const auto check = [this](std::size_t task, Epoch epoch) {
    checks_.lessee_tells(task, epoch, lessee_.row(task), lessee_.disk(task));
  };
  for (std::size_t i = 0; i < message.items; ++i)
    check(message.item[i].task, message.item[i].epoch);
  const bool claims = message.kind == MessageKind::accept || message.kind == MessageKind::result;
  if (claims && !message.owed) check(message.task, message.epoch);
  if (message.owed) checks_.lessee_owes(message.task, lessee_.disk(message.task));
}

void World::deliver(NodeName to, std::uint32_t slot) {
  --in_flight_;
  const Message message = pool_.take(slot);
  const bool kept = link_ || random_.per_mille(500);
  if (!kept || !power(to).alive) return stats_.count(Seen::lost_messages);
  std::uint32_t& newest = newest_[static_cast<std::size_t>(to)];
  if (message.sent < newest) stats_.count(Seen::reordered_messages);
  newest = std::max(newest, message.sent);
  note_delivery(to, message);
  to == NodeName::owner ? owner_.heed(message) : lessee_.heed(message);
}

void World::note_delivery(NodeName to, const Message& message) {
  if (!logging_) return;
  std::string items;
  for (std::size_t i = 0; i < message.items; ++i) {
    items += " task " + std::to_string(message.item[i].task) + " epoch " +
             std::to_string(message.item[i].epoch.value);
    if (message.kind == MessageKind::beat_ack) items += message.item[i].flag ? " keep" : " stop";
  }
  if (message.items == 0) {
    items =
        " task " + std::to_string(message.task) + " epoch " + std::to_string(message.epoch.value);
  }
  if (message.kind == MessageKind::result) {
    items += " run " + std::to_string(message.run) + " failure " +
             std::string(spillway::to_string(message.failure));
  }
  note(to, "receives %s%s", to_string(message.kind), items.c_str());
}

void World::schedule_commit(NodeName node, bool rows) {
  const Duration takes = rows ? random_.between(Duration(100), milliseconds(5)) : Duration(10);
  push(takes, Happening::committed, node, ++power(node).commit);
}

// Every n-th of a node's writes finds the disk full or failing; as the nodes do, it is kept and
// tried again, and nothing that rests on it happens.
bool World::commit_fails(NodeName node) {
  const unsigned every = plan_.faults.failing_commit;
  if (!chaos_ || every == 0 || ++power(node).tried % every != 0) return false;
  note(node, "a commit fails, and is tried again");
  stats_.count(Seen::failed_commits);
  push(random_.between(milliseconds(10), seconds(2)), Happening::committed, node,
       power(node).commit);
  return true;
}

void World::committed(NodeName node, std::uint32_t number) {
  if (!power(node).alive || number != power(node).commit || fail_point(node)) return;
  if (commit_fails(node)) return;
  reached_disk(node);
  node == NodeName::owner ? owner_.commit() : lessee_.commit();
}

void World::schedule_end(NodeName node, RunId run, Duration after) {
  push(after, Happening::body_ends, node, run);
}

bool World::fail_point(NodeName node) {
  if (!chaos_ || !random_.per_mille(plan_.faults.fail_point)) return false;
  crash(node, "at a fail point");
  return true;
}

void World::crash(NodeName node, const char* why) {
  Power& state = power(node);
  if (!state.alive) return;
  note(node, "dies: %s", why);
  stats_.count(node == NodeName::owner ? Seen::owner_crashes : Seen::lessee_crashes);
  state.alive = false;
  ++state.cycle;
  ++state.commit;
  node == NodeName::owner ? owner_.die() : lessee_.die();
  Duration down = random_.between(milliseconds(20), milliseconds(600));
  if (random_.per_mille(250)) down *= 10;
  if (node == NodeName::lessee && plan_.slow_restart) down += kLease + kResend;
  push(down, Happening::restart, node, state.cycle);
}

void World::restart(NodeName node) {
  Power& state = power(node);
  note(node, "starts again");
  state.alive = true;
  state.offset = state.last_seen.time_since_epoch() - now_;
  // A clock that was set meanwhile, rightly or not, takes the time line along; never back.
  if (chaos_ && random_.per_mille(plan_.faults.wrong_clock)) {
    stats_.count(Seen::power_cycles_with_wrong_clock);
    state.offset += random_.between({}, random_.per_mille(200) ? seconds(1000) : seconds(20));
  }
  node == NodeName::owner ? owner_.boot() : lessee_.boot();
  if (node == NodeName::owner && !chaos_) release_all();
}

void World::fault() {
  if (!chaos_) return;
  if (is_quiet() && random_.per_mille(100)) return heal();
  const FaultPlan& faults = plan_.faults;
  push(random_.between({}, faults.pause * 2), Happening::fault, NodeName::owner, 0);
  if (!link_ && random_.per_mille(400)) mend_link();
  if (random_.per_mille(300)) lessee_.end_drain();
  if (faults.weights() == 0) return;
  auto pick = static_cast<int>(random_.below(faults.weights()));
  const auto is = [&pick](unsigned weight) { return (pick -= static_cast<int>(weight)) < 0; };
  if (is(faults.crash_owner)) return crash(NodeName::owner, "power cut");
  if (is(faults.crash_lessee)) return crash(NodeName::lessee, "power cut");
  if (is(faults.cut)) return link_ ? cut_link() : mend_link();
  if (is(faults.people)) return people();
  if (is(faults.drain)) {
    return random_.per_mille(500) ? shut_down_owner() : drain_lessee();
  }
  if (is(faults.step_clock)) return step_clock();
  if (is(faults.forget)) {
    if (is_alive(NodeName::lessee)) lessee_.forget_tombstones();
    return;
  }
  if (is_alive(NodeName::owner)) owner_.withdraw(random_.below(static_cast<unsigned>(plan_.tasks)));
}

// A node that was suspended: its time went on, its timers did not.
void World::step_clock() {
  const NodeName node = random_.per_mille(500) ? NodeName::owner : NodeName::lessee;
  if (!is_alive(node)) return;
  note(node, "its clock steps forward");
  stats_.count(Seen::clock_steps);
  power(node).offset += random_.between(milliseconds(1), seconds(random_.per_mille(200) ? 600 : 5));
}

void World::shut_down_owner() {
  if (!is_alive(NodeName::owner)) return;
  owner_.shut_down();
  push(milliseconds(20), Happening::exit, NodeName::owner, power(NodeName::owner).cycle);
}

void World::drain_lessee() {
  if (is_alive(NodeName::lessee)) lessee_.drain();
}

// The nodes notice later, or, when it is short, never: then only their timers help.
void World::cut_link() {
  note(NodeName::owner, "the link is cut");
  stats_.count(Seen::link_cuts);
  link_ = false;
  push(random_.between({}, seconds(2)), Happening::link_told, NodeName::owner, ++link_change_);
}

void World::mend_link() {
  note(NodeName::owner, "the link is mended");
  link_ = true;
  push(random_.between({}, milliseconds(300)), Happening::link_told, NodeName::owner,
       ++link_change_);
}

void World::link_told(std::uint32_t ref) {
  if (ref != link_change_ || told_link_ == link_) return;
  told_link_ = link_;
  note(NodeName::owner, "both sides notice: link %s", link_ ? "up" : "down");
  if (is_alive(NodeName::owner)) owner_.link_changed(link_);
  if (is_alive(NodeName::lessee)) lessee_.link_changed(link_);
}

void World::people() {
  if (!is_alive(NodeName::owner)) return;
  const std::size_t task = random_.below(static_cast<unsigned>(plan_.tasks));
  switch (random_.below(8)) {
    case 0: return owner_.cancel(task);
    case 1:
    case 2: return owner_.hold(task);
    case 3:
    case 4: return owner_.release(task);
    default: return owner_.retry(task);
  }
}

void World::heal() {
  note(NodeName::owner, "--- faults end, the network heals ---");
  chaos_ = false;
  healed_at_ = now_;
  if (!link_) mend_link();
  lessee_.end_drain();
  if (is_alive(NodeName::owner)) release_all();
}

void World::release_all() {
  for (std::size_t task = 0; task < plan_.tasks; ++task) owner_.release(task);
}

void World::note(NodeName node, const char* format, ...) {
  if (!logging_) return;
  char line[256];
  const int head = std::snprintf(line, sizeof line, "%6u %9.3f ms  %s  ", events_,
                                 static_cast<double>(now_.count()) / 1000,
                                 kNodes[static_cast<std::size_t>(node)]);
  std::va_list arguments;
  va_start(arguments, format);
  std::vsnprintf(line + head, sizeof line - static_cast<std::size_t>(head), format, arguments);
  va_end(arguments);
  log_ += line;
  log_ += '\n';
}

}  // namespace spillway::sim
