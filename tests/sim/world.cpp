#include "tests/sim/world.h"

#include <algorithm>
#include <cstdarg>
#include <cstdio>
#include <utility>

namespace spillway::sim {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

// P5: after healing, in simulated time. The longest way out is a task that takes its place down
// again and again, with a lease to run out each time, in front of others that wait for it.
constexpr Duration kBound = seconds(1200);
constexpr std::uint32_t kMostEvents = 100'000;
constexpr Duration kToday = std::chrono::hours(24) * 20'777;
constexpr Duration kNever = std::chrono::hours(24 * 365);

constexpr const char* kCauses[] = {"ACCEPT",  "started",    "BEAT",      "NACK",        "success",
                                   "failure", "time",       "link down", "withdraw",    "grant",
                                   "recover", "dependency", "no place",  "place found", "cancel",
                                   "hold",    "release",    "retry"};
constexpr const char* kLesseeCauses[] = {"OFFER",  "start", "finish", "RESULT_ACK",
                                         "cancel", "keep",  "time",   "recover"};
constexpr const char* kNodes[] = {"owner ", "lessee"};

}  // namespace

const char* to_string(Cause cause) { return kCauses[static_cast<std::size_t>(cause)]; }
const char* to_string(LesseeCause cause) { return kLesseeCauses[static_cast<std::size_t>(cause)]; }

World::World(Variant variant, const std::vector<LinkTrace>* traces)
    : variant_(variant), traces_(traces), owner_(*this), lessee_(*this) {}

NodeTime World::time_at(NodeName node) const {
  return node == NodeName::owner ? owner_.now() : lessee_.now();
}

// When a node wants to be woken, on the world's clock.
Duration World::wake_of(NodeName node) const {
  if (!is_alive(node)) return kNever;
  const NodeTime at = node == NodeName::owner ? owner_.wake_at() : lessee_.wake_at();
  return at == spillway::kNever ? kNever : now_ + (at - time_at(node));
}

wire::Presence World::presence_of(NodeName node) const {
  wire::Presence presence;
  presence.online = true;
  presence.session = power(node).session;
  presence.boot = boot_of(node);
  return presence;
}

void World::set_now(Duration now) {
  for (ManualClock& clock : clock_) clock.advance(now - now_);
  now_ = now;
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
  for (ManualClock& clock : clock_) {
    clock = {};
    clock.step_wall(kToday);
  }
  owner_.begin();
  lessee_.begin();
  push(plan_.faults.chaos, Happening::heal, NodeName::owner, 0);
  push(plan_.faults.pause, Happening::fault, NodeName::owner, 0);
}

Outcome World::run(std::uint64_t seed, const Limits& limits, bool keep_log) {
  begin(seed, limits, keep_log);
  do {
    if (chaos_ && events_ >= limits.chaos_events) heal();
    settle();
  } while (step() && !checks_.failed());
  stats_.count(Seen::events, events_);
  return {checks_.failure(), events_, chaos_ ? Duration{} : now_ - healed_at_, log_};
}

void World::settle() {
  try {
    if (power(NodeName::owner).alive) owner_.settle();
    if (power(NodeName::lessee).alive) lessee_.settle();
  } catch (const PowerCut& cut) {
    crash(cut.node, "at a fail point");
  }
}

bool World::step() {
  if (!chaos_ && in_flight_ == 0 && is_quiet()) return false;
  const Duration owner_at = wake_of(NodeName::owner), lessee_at = wake_of(NodeName::lessee);
  const Duration next = std::min({owner_at, lessee_at, queue_.next_at()});
  if (!chaos_ && (next - healed_at_ > kBound || events_ > kMostEvents)) {
    checks_.fail("P5", "healed, but not all tasks became terminal in bounded time");
    return false;
  }
  set_now(std::max(now_, next));
  ++events_;
  try {
    happen(owner_at, lessee_at);
  } catch (const PowerCut& cut) {
    crash(cut.node, "at a fail point");
  }
  return true;
}

void World::happen(Duration owner_at, Duration lessee_at) {
  if (owner_at < queue_.next_at() && owner_at <= lessee_at) return owner_.wake();
  if (lessee_at < queue_.next_at()) return lessee_.wake();
  dispatch(queue_.pop());
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
    case Happening::disk:
      if (event.ref == power(event.node).cycle) use_disk(event.node);
      return;
    case Happening::birth: return hear_birth(event.node, event.ref);
    case Happening::woken:
      if (!is_alive(event.node)) return;
      return event.node == NodeName::owner ? owner_.wake() : lessee_.wake();
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
  if (from == NodeName::lessee) check_lessee_tells(message.item);
  message.sent = ++sent_;
  const FaultPlan& faults = plan_.faults;
  if (!link_ || (chaos_ && random_.per_mille(faults.loss))) {
    stats_.count(Seen::lost_messages);
    if (logging_) note(from, "%s is lost", describe(message.item).c_str());
    return;
  }
  if (chaos_ && random_.per_mille(faults.copies)) {
    stats_.count(Seen::duplicated_messages);
    ++in_flight_;
    push(delay_of(from), Happening::deliver, other(from), pool_.put(message));
  }
  ++in_flight_;
  push(delay_of(from), Happening::deliver, other(from), pool_.put(std::move(message)));
}

Duration World::delay_of(NodeName from) {
  if (chaos_ && plan_.faults.traced) {
    stats_.count(Seen::traced_messages);
    return traced_.arrives(from, now_) - now_;
  }
  Duration delay = random_.between(milliseconds(1), milliseconds(20));
  if (chaos_ && random_.per_mille(plan_.faults.slow)) delay *= 1 + random_.below(2000);
  return delay;
}

void World::check_lessee_tells(const wire::Item& item) {
  const std::optional<About> attempt = about(item);
  if (!attempt || std::holds_alternative<wire::Nack>(item)) return;
  const LesseeRow& memory = lessee_.row(attempt->task);
  const LesseeRow& disk = lessee_.disk(attempt->task);
  const auto* result = std::get_if<wire::ResultItem>(&item);
  const bool failed = result && result->failure != FailureClass::none;
  if (failed && disk.task.epoch < attempt->epoch) {
    return checks_.lessee_owes(attempt->task, result->failure, disk);
  }
  checks_.lessee_tells(attempt->task, attempt->epoch, memory, disk);
  if (result) checks_.answers(attempt->task, *result, disk);
}

void World::deliver(NodeName to, std::uint32_t slot) {
  --in_flight_;
  const Message message = pool_.take(slot);
  const bool kept = link_ || random_.per_mille(500);
  if (!kept || !power(to).alive) return stats_.count(Seen::lost_messages);
  std::uint32_t& newest = newest_[static_cast<std::size_t>(to)];
  if (message.sent < newest) stats_.count(Seen::reordered_messages);
  newest = std::max(newest, message.sent);
  if (logging_) note(to, "receives %s", describe(message.item).c_str());
  to == NodeName::owner ? owner_.heed(message.item) : lessee_.heed(message.item);
}

void World::schedule_disk(NodeName node, bool writes) {
  if (std::exchange(power(node).disk_busy, true)) return;
  const Duration takes = writes ? random_.between(Duration(100), milliseconds(20)) : Duration(10);
  push(takes, Happening::disk, node, power(node).cycle);
}

void World::wake_soon(NodeName node) {
  push(random_.between(milliseconds(1), milliseconds(50)), Happening::woken, node, 0);
}

void World::use_disk(NodeName node) {
  power(node).disk_busy = false;
  fail_point(node, Seen::crashes_before_commit);
  node == NodeName::owner ? owner_.use_disk() : lessee_.use_disk();
}

// A node is there anew, which the other one hears soon, or never.
void World::give_birth(NodeName node) {
  const bool lost = chaos_ && random_.per_mille(plan_.faults.loss);
  if (link_ && !lost) push(delay_of(node), Happening::birth, node, power(node).session);
}

void World::hear_birth(NodeName node, std::uint32_t session) {
  if (!link_ || !told_link_ || !is_alive(other(node)) || session != power(node).session) return;
  note(other(node), "hears that the other is there anew");
  node == NodeName::owner ? lessee_.on_presence(presence_of(node))
                          : owner_.on_presence(presence_of(node));
}

void World::schedule_end(NodeName node, RunId run, Duration after) {
  push(after, Happening::body_ends, node, run);
}

void World::fail_point(NodeName node, Seen seen) {
  if (!chaos_ || !random_.per_mille(plan_.faults.fail_point)) return;
  stats_.count(seen);
  throw PowerCut{node};
}

void World::crash(NodeName node, const char* why) {
  Power& state = power(node);
  if (!state.alive) return;
  note(node, "dies: %s", why);
  stats_.count(node == NodeName::owner ? Seen::owner_crashes : Seen::lessee_crashes);
  state.alive = false;
  ++state.cycle;
  state.disk_busy = false;
  node == NodeName::owner ? owner_.die() : lessee_.die();
  Duration down = random_.between(milliseconds(200), seconds(6));
  if (random_.per_mille(250)) down *= 10;
  if (node == NodeName::lessee && plan_.slow_restart) down += kLease * 5 / 4;
  push(down, Happening::restart, node, state.cycle);
}

void World::restart(NodeName node) {
  Power& state = power(node);
  note(node, "starts again");
  state.alive = true;
  set_clock(node);
  ++state.session;
  node == NodeName::owner ? owner_.boot() : lessee_.boot();
  give_birth(node);
  if (node == NodeName::owner && !chaos_) release_all();
}

// Half of the time the power was gone, and half of those machines have no clock that goes on
// without it: there their time line stands still meanwhile. A clock that was set meanwhile takes
// the time line along; never back.
void World::set_clock(NodeName node) {
  ManualClock& clock = clock_[index(node)];
  const Duration wall = clock.wall_time();
  if (random_.per_mille(500)) {
    clock = {};
    if (random_.per_mille(500)) clock.step_wall(std::max(wall, kToday + now_));
  }
  if (!chaos_ || !random_.per_mille(plan_.faults.wrong_clock)) return;
  stats_.count(Seen::power_cycles_with_wrong_clock);
  const Duration by = random_.between({}, random_.per_mille(200) ? seconds(10'000) : seconds(200));
  clock.step_wall(random_.per_mille(300) ? kToday - by : std::max(wall, kToday + now_) + by);
}

void World::fault() {
  if (!chaos_) return;
  if (is_quiet() && random_.per_mille(100)) return heal();
  const FaultPlan& faults = plan_.faults;
  push(random_.between({}, faults.pause * 2), Happening::fault, NodeName::owner, 0);
  if (!link_ && random_.per_mille(400)) mend_link();
  if (is_alive(NodeName::lessee) && random_.per_mille(300)) lessee_.end_drain();
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
  if (is(faults.forget)) return lessee_.forget_tombstones();
  if (is_alive(NodeName::owner)) owner_.withdraw(random_.below(static_cast<unsigned>(plan_.tasks)));
}

// A node that was suspended: its time went on, its timers did not.
void World::step_clock() {
  const NodeName node = random_.per_mille(500) ? NodeName::owner : NodeName::lessee;
  if (!is_alive(node)) return;
  note(node, "its clock steps forward");
  stats_.count(Seen::clock_steps);
  const Duration by = random_.between(milliseconds(1), seconds(random_.per_mille(200) ? 6000 : 50));
  clock_[index(node)].advance(by);
}

void World::shut_down_owner() {
  if (!is_alive(NodeName::owner)) return;
  owner_.shut_down();
  push(milliseconds(200), Happening::exit, NodeName::owner, power(NodeName::owner).cycle);
}

void World::drain_lessee() {
  if (is_alive(NodeName::lessee)) lessee_.drain();
}

// The nodes notice later, or, when it is short, never: then only their timers help.
void World::cut_link() {
  note(NodeName::owner, "the link is cut");
  stats_.count(Seen::link_cuts);
  link_ = false;
  push(random_.between({}, seconds(20)), Happening::link_told, NodeName::owner, ++link_change_);
}

void World::mend_link() {
  note(NodeName::owner, "the link is mended");
  link_ = true;
  push(random_.between({}, seconds(3)), Happening::link_told, NodeName::owner, ++link_change_);
}

void World::link_told(std::uint32_t ref) {
  if (ref != link_change_ || told_link_ == link_) return;
  told_link_ = link_;
  for (Power& power : power_) power.session += link_ ? 1 : 0;
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
  if (is_alive(NodeName::lessee)) {
    lessee_.heal();
    lessee_.end_drain();
  }
  if (!is_alive(NodeName::owner)) return;
  owner_.heal();
  release_all();
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
