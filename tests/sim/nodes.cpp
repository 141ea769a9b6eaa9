#include "tests/sim/nodes.h"

#include <algorithm>
#include <utility>

#include "common/wire/codec.h"

namespace spillway::sim {
namespace {

using namespace std::chrono_literals;
using test::AgentSide;
using test::CloudSide;

constexpr int kMostAgents = 2, kReplicas = 2;
constexpr int kMostSettling = 5000, kMostTurns = 1'000'000;
constexpr Duration kToday = std::chrono::hours(24) * 20'777;

Bytes reversed(ByteView input) { return {input.rbegin(), input.rend()}; }

kinds::KindRegistry one_kind() {
  kinds::KindRegistry kinds;
  Kind kind;
  kind.name = "reverse";
  kind.run = [](KindContext&) -> Result<Bytes> { return Bytes{}; };
  (void)kinds.add(kind);
  return kinds;
}

const kinds::KindRegistry& the_kinds() {
  static const kinds::KindRegistry kinds = one_kind();
  return kinds;
}

}  // namespace

void NodesStats::add(const NodesStats& other) {
  for (const auto& [kind, count] : other.faults) faults[kind] += count;
  events += other.events;
  accepted += other.accepted;
  in_cloud += other.in_cloud;
  to_devices += other.to_devices;
  poisoned += other.poisoned;
}

class Nodes::Schedule {
 public:
  Schedule(std::uint64_t seed, const Limits& limits, bool keep_log,
           const std::vector<LinkTrace>* traces, NodesStats& stats)
      : random_(seed),
        limits_(limits),
        logging_(keep_log),
        namesakes_(seed % 4 == 0),
        stats_(stats) {
    for (int i = 0; i < 1 + int(random_.below(kMostAgents)); ++i) add_device(i);
    for (int i = 0; i < kReplicas; ++i) add_replica();
    // What operators submit stays with one replica: each owns what it accepted.
    operators_ = one_in(2);
    if (random_.per_mille(400)) follow(traces);
    tasks_ = std::min<std::size_t>(limits.max_tasks, 2 + random_.below(12));
    faults_left_ = random_.below(14);
    for (auto& device : devices_) boot(*device);
    boot_cloud();
  }

  Outcome play() {
    while ((submitted_ < tasks_ || faults_left_ > 0) && events_ < limits_.chaos_events) {
      ++events_;
      something();
    }
    heal();
    const Duration healed = now_;
    // P5: from here on everything must end, in bounded time.
    for (int i = 0; i < kMostSettling && !restless_ && !wrong().empty(); ++i) {
      settle();
      if (!end_one()) pass_time(10s);
    }
    conclude();
    const std::string failure = wrong();
    if (!failure.empty()) note("--- " + failure);
    return {failure, events_, now_ - healed, std::move(log_)};
  }

 private:
  // What clients were promised by one owner.
  struct Promised {
    std::map<std::string, std::uint64_t> acknowledged;  // by key
    std::vector<TaskSpec> specs;
  };
  // A copy of an owner's disks, and what clients had been promised when it was made.
  struct Copy {
    test::OwnerDisk owned;
    test::LedgerDisk dispatched;
    std::map<std::string, std::uint64_t> acknowledged;
  };
  struct Device : Promised {
    std::optional<Copy> copy;
    Device(int number, test::FakeBroker& broker)
        : name("device-" + std::to_string(number + 1)), side(clock, &broker, the_kinds(), 2) {}
    std::string name;
    ManualClock clock;
    AgentSide side;
    TracedLink link;
  };
  struct Replica : Promised {
    std::optional<Copy> copy;
    explicit Replica(test::FakeBroker& broker) : side(clock, broker, the_kinds(), 3) {}
    ManualClock clock;
    CloudSide side;
  };

  unsigned below(unsigned n) { return random_.below(n); }
  bool one_in(unsigned n) { return random_.below(n) == 0; }
  Device& any_device() { return *devices_[below(unsigned(devices_.size()))]; }
  CloudSide& cloud() { return replicas_[active_]->side; }

  void add_device(int number) {
    devices_.push_back(std::make_unique<Device>(number, broker_));
    Device& device = *devices_.back();
    device.side.options.device = device.name;
    device.side.options.store.max_ready = 1 + below(20);
    device.side.options.placement.lease = 30s;
    device.side.options.takes = {"reverse"};
    device.side.disk.origin = Origin{0x5111ULL + (namesakes_ ? 0 : std::uint64_t(number))};
    set_clock(device.clock);
  }
  void add_replica() {
    replicas_.push_back(std::make_unique<Replica>(broker_));
    replicas_.back()->side.dispatched.origin = Origin{0xC10DULL + replicas_.size()};
    set_clock(replicas_.back()->clock);
  }
  // Right, in 1970, or some years off.
  void set_clock(ManualClock& clock) {
    clock.advance(Duration(std::int64_t(below(1'000'000'000))));
    const Duration off = std::chrono::hours(24) * int(below(2000));
    const Duration choices[] = {kToday, 0s, kToday + off, kToday - off};
    clock.step_wall(choices[below(4)]);
  }
  void follow(const std::vector<LinkTrace>* traces) {
    const bool any = traces != nullptr && !traces->empty();
    for (auto& device : devices_) {
      const auto which = any ? below(unsigned(traces->size())) : 0;
      device->link.begin(any ? &(*traces)[which] : nullptr, random_);
    }
    count("traced_link");
    broker_.set_links([this](const std::string& client) {
      for (auto& device : devices_) {
        if (device->name == client) return device->link.arrives(NodeName::owner, now_);
      }
      return now_;
    });
  }

  void something() {
    switch (below(16)) {
      case 0: return operators_ && one_in(2) ? send(any_device()) : submit(any_device());
      case 1: return void(end_one());
      case 2: return pass_time(Duration(std::int64_t(below(2'000'000))));
      case 3: return one_in(6) ? fault() : void();
      case 4:
      case 5: return void(step_disk(any_device().side));
      case 6:
      case 7: return void(step_disk(cloud()));
      case 8: return void(any_device().side.turn());
      case 9:
        if (!cloud().on() && one_in(20)) boot_cloud();
        return void(cloud().turn());
      default: broker_.step();
    }
  }
  // Does one thing that was asked for, or answers for one that was done.
  template <class Side>
  bool step_disk(Side& side) {
    if (!side.on()) return false;
    return one_in(2) ? step_disk_of(side.store()) : step_disk_of(side.ledger());
  }
  template <class Disk>
  bool step_disk_of(Disk& disk) {
    return one_in(2) ? disk.execute() : disk.answer();
  }

  TaskSpec next_spec(const std::string& name) {
    TaskSpec spec;
    spec.kind.name = "reverse";
    spec.input.bytes = to_bytes(name + std::string(below(200), '.'));
    spec.idempotency_key = name;
    spec.band = Band(below(4));
    spec.effects = Effects(below(3));
    spec.retry.max_attempts = 100;
    spec.retry.cap = 2s;
    return spec;
  }
  TaskSpec next_spec(Device& device) {
    TaskSpec spec = next_spec(device.name + "-" + std::to_string(device.specs.size()));
    spec.prefer = Prefer(below(3));
    spec.on_disconnect = OnDisconnect(below(2));
    if (one_in(4) && !device.acknowledged.empty()) {
      auto parent = std::next(device.acknowledged.begin(),
                              std::ptrdiff_t(below(unsigned(device.acknowledged.size()))));
      spec.after = {device.side.disk.id_of(parent->second)};
    }
    return spec;
  }

  // A spec to ask an owner for: a new one, or now and then one that was asked for already, as a
  // client does that heard no answer.
  template <class Make>
  const TaskSpec& some_spec(Promised& owner, Make make) {
    if (!one_in(4) || owner.specs.empty()) {
      owner.specs.push_back(make());
      submitted_ += 1;
    }
    const unsigned all = unsigned(owner.specs.size());
    return owner.specs[one_in(4) ? below(all) : all - 1];
  }
  void promise(Promised& owner, const std::string& key, std::uint64_t seq) {
    note(key + " is acknowledged as " + std::to_string(seq));
    stats_.accepted += 1;
    auto [known, fresh] = owner.acknowledged.try_emplace(key, seq);
    if (!fresh && known->second != seq) changed_ids_ += 1;
  }

  void submit(Device& device) {
    if (!device.side.on() || submitted_ >= tasks_) return;
    const TaskSpec& spec = some_spec(device, [&] { return next_spec(device); });
    note(device.name + " is asked for " + spec.idempotency_key);
    device.side.node().handle(wire::SubmitRequest{{wire::encode(spec)}},
                              [this, &device, key = spec.idempotency_key](wire::AnswerBody answer) {
                                auto* submitted = std::get_if<wire::Submitted>(&answer);
                                if (!submitted || submitted->each.front().error) return;
                                promise(device, key, submitted->each.front().id.seq);
                              });
  }

  // An operator has a device run something.
  void send(Device& device) {
    if (!cloud().on() || submitted_ >= tasks_) return;
    Replica& replica = *replicas_[active_];
    TaskSpec spec = some_spec(replica, [&] {
      TaskSpec made = next_spec("sent-" + std::to_string(replica.specs.size()));
      made.labels["to"] = device.name;
      return made;
    });
    const std::string key = std::exchange(spec.idempotency_key, ""), to = spec.labels["to"];
    note("the cloud is asked for " + key);
    stats_.to_devices += 1;
    cloud().node().dispatch()->submit({std::move(spec), std::vector<std::string>{to}, key},
                                      [this, &replica, key](const Result<cloud::Submitted>& made) {
                                        if (made) promise(replica, key, made->group.first.seq);
                                      });
  }

  bool end_one() {
    const unsigned first = below(unsigned(devices_.size()) + 1);
    for (unsigned i = 0; i <= devices_.size(); ++i) {
      const unsigned which = (first + i) % unsigned(devices_.size() + 1);
      const bool ended = which < devices_.size() ? end_one_of(devices_[which]->side, false)
                                                 : end_one_of(cloud(), true);
      if (ended) return true;
    }
    return false;
  }
  template <class Side>
  bool end_one_of(Side& side, bool in_cloud) {
    if (!side.on() || side.runner().running().empty()) return false;
    test::ManualRunner& runner = side.runner();
    auto one = std::next(runner.running().begin(),
                         std::ptrdiff_t(below(unsigned(runner.running().size()))));
    const auto key = one->first;
    if (one->second.told_to_stop && one_in(2)) {
      runner.fail(key, fail(Code::cancelled, "stopped"), FailureClass::interrupted);
    } else if (chaos_ && one_in(20)) {
      runner.fail(key, fail(Code::io, "bad luck"));
    } else {
      stats_.in_cloud += in_cloud ? 1 : 0;
      runner.succeed(key, reversed(one->second.request.spec.input.bytes));
    }
    note(std::string(in_cloud ? "the cloud" : "a device") + " ended " + to_string(key.first) +
         " under epoch " + std::to_string(key.second.value));
    return true;
  }

  void count(const std::string& kind) {
    stats_.faults[kind] += 1;
    note("FAULT " + kind);
  }

  void fault() {
    if (faults_left_ == 0) return;
    faults_left_ -= 1;
    const std::string client = one_in(2) ? any_device().name : "cloud";
    switch (below(12)) {
      case 0: return count("link_cut"), broker_.cut(client);
      case 1: return count("link_refused"), broker_.refuse(client), broker_.cut(client);
      case 2: return broker_.allow(client);
      case 3: return count("link_half_open"), broker_.freeze(client);
      case 4: return count("broker_crash"), broker_.crash();
      case 5: return crash_device(any_device());
      case 6: return crash_cloud();
      case 7: return count("duplicates"), broker_.duplicate_every(below(4));
      case 9: return put_back(any_device());
      case 10: return put_back(*replicas_[active_]);
      case 8: return step_clock(one_in(2) ? any_device().clock : replicas_[active_]->clock);
      default: return break_disk();
    }
  }

  void boot(Device& device) {
    device.side.boot();
    note(device.name + " starts");
  }
  // Half of the time the power goes with it, and the time since its start.
  void crash_device(Device& device) {
    count("agent_crash");
    device.side.crash();
    if (one_in(2)) {
      const Duration wall = device.clock.wall_time();
      device.clock = ManualClock{};
      device.clock.step_wall(one_in(2) ? Duration{} : wall);
    }
    boot(device);
  }
  // The first time a copy of its disks is made. Later it is put back, and what lay there is the
  // copy: as when a backup is restored, or two copies of one device run in turn. Each goes on from
  // what it has, and owes what was promised in its own past.
  template <class Owner>
  bool exchange(Owner& owner, test::OwnerDisk& owned, test::LedgerDisk& dispatched) {
    if (!owner.copy) {
      owner.copy = {owned, dispatched, owner.acknowledged};
      return false;
    }
    owner.side.crash();
    std::swap(owned, owner.copy->owned);
    std::swap(dispatched, owner.copy->dispatched);
    std::swap(owner.acknowledged, owner.copy->acknowledged);
    return true;
  }
  void put_back(Device& device) {
    if (!exchange(device, device.side.disk, device.side.dispatched)) return;
    count("agent_restored");
    boot(device);
  }
  void put_back(Replica& replica) {
    if (!exchange(replica, replica.side.dispatched, replica.side.disk)) return;
    count("cloud_restored");
    boot_cloud();
  }
  void boot_cloud() {
    cloud().boot();
    note("replica " + std::to_string(active_) + " of the cloud starts");
  }
  // The cloud comes back, another replica with a ledger of its own takes over, or nobody is there.
  void crash_cloud() {
    count("cloud_crash");
    cloud().crash();
    if (!operators_ && one_in(3)) {
      active_ = (active_ + 1) % kReplicas;
      count("cloud_take_over");
    }
    if (!one_in(3)) boot_cloud();
  }
  // A wall clock that is set, rightly or not; or a node that slept while the others went on.
  void step_clock(ManualClock& clock) {
    count("clock_step");
    if (one_in(2)) return set_clock(clock);
    clock.advance(Duration(std::int64_t(below(one_in(4) ? 600'000'000 : 5'000'000))));
  }
  void break_disk() {
    const Error error = fail(Code::io, one_in(2) ? "disk full" : "input/output error");
    const unsigned every = 1 + below(6);
    if (one_in(2)) {
      Device& device = any_device();
      count("agent_disk");
      fail_disks(device.side, every, error);
    } else {
      count("cloud_disk");
      fail_disks(cloud(), every, error);
    }
    if (one_in(2)) pass_time(2s);
    if (one_in(2)) heal_disks();
  }

  template <class Side>
  static void fail_disks(Side& side, unsigned every, const Error& error) {
    if (!side.on()) return;
    side.store().fail_every(every, error);
    side.ledger().fail_every(every, error);
  }
  void heal_disks() {
    for (auto& device : devices_) fail_disks(device->side, 0, {});
    fail_disks(cloud(), 0, {});
  }
  void heal() {
    note("--- faults end, the network heals ---");
    chaos_ = false;
    broker_.set_links(nullptr);
    for (auto& device : devices_) {
      broker_.allow(device->name);
      broker_.heal(device->name);
    }
    broker_.allow("cloud");
    broker_.heal("cloud");
    heal_disks();
    if (!cloud().on()) boot_cloud();
  }

  // A node that always has something to do keeps a core busy.
  void settle() {
    bool moved = true;
    for (int turns = 0; moved && !restless_; ++turns) {
      moved = broker_.step() || cloud().turn() || cloud().step();
      for (auto& device : devices_) {
        moved = device->side.turn() || device->side.step() || moved;
      }
      restless_ = turns == kMostTurns;
    }
  }

  // At most `by`, and no further than to the next timer or message.
  void pass_time(Duration by) {
    const auto sooner = [&by](NodeTime next, NodeTime now) {
      if (next != kNever) by = std::min(by, next - now);
    };
    for (auto& device : devices_) {
      if (device->side.on()) sooner(device->side.next(), device->side.node().now());
    }
    if (cloud().on()) sooner(cloud().next(), cloud().node().now());
    if (const auto at = broker_.next_at()) by = std::min(by, *at - now_);
    by = std::max(by, Duration(1));
    now_ += by;
    broker_.set_time(now_);
    for (auto& device : devices_) device->clock.advance(by);
    for (auto& replica : replicas_) replica->clock.advance(by);
  }

  // What is wrong; empty: nothing, and everything is over.
  std::string wrong() const {
    if (restless_) return "somebody never rests";
    for (const auto& device : devices_) {
      const AgentSide& side = device->side;
      if (std::string why = wrong(*device, side.disk); !why.empty()) return device->name + why;
      if (std::string why = wrong(side.dispatched, true); !why.empty()) return device->name + why;
    }
    for (const auto& replica : replicas_) {
      const CloudSide& side = replica->side;
      const bool active = replica == replicas_[active_];
      if (std::string why = wrong(*replica, side.dispatched); !why.empty())
        return "the cloud" + why;
      if (std::string why = wrong(side.disk, active); !why.empty()) return "the cloud" + why;
    }
    return changed_ids_ > 0 ? "P2: a key named two tasks" : "";
  }
  // A lessee's ledger. That of a replica nobody asks any more may have open leases.
  static std::string wrong(const test::LedgerDisk& ledger, bool active) {
    if (!ledger.broken.empty()) return "'s ledger: " + ledger.broken.front();
    for (const auto& [id, row] : ledger.rows) {
      if (active && row.task.state != lifecycle::LeaseState::answered) {
        return ": P5: a lease is left open";
      }
    }
    return "";
  }
  // An owner's store.
  std::string wrong(const Promised& promised, const test::OwnerDisk& disk) const {
    if (!disk.broken.empty()) return "'s store: " + disk.broken.front();
    for (const auto& [key, seq] : promised.acknowledged) {
      if (!disk.tasks.contains(seq)) return ": P9: lost " + key;
    }
    if (disk.tasks.size() > promised.specs.size()) return ": P1: doubled";
    for (const auto& [seq, task] : disk.tasks) {
      if (std::string why = wrong(task); !why.empty())
        return ": " + std::to_string(seq) + " " + why;
    }
    return disk.outbox.empty() ? "" : ": P10: an offer is left in the outbox";
  }
  std::string wrong(const test::OwnerDisk::Task& task) const {
    const lifecycle::OwnerTask& row = task.row.task;
    if (!is_terminal(row.state)) {
      return "P5: is " + std::string(to_string(row.state)) + " for ever, " +
             std::string(to_string(row.reason));
    }
    auto result = wire::decode_result(*task.row.result);
    auto spec = wire::decode_spec(*task.row.spec);
    if (!result || !spec || result->outcome != row.state) return "result and row disagree";
    if (row.state == TaskState::succeeded) {
      return result->value.bytes == reversed(spec->input.bytes) ? "" : "P1: another task's value";
    }
    // Crashes may poison a task, and then those that come after it.
    const FailureClass why = result->error ? result->error->failure : FailureClass::none;
    const bool allowed = why == FailureClass::poison || why == FailureClass::dependency;
    return allowed ? "" : "P8: failed as " + std::string(to_string(why));
  }

  void conclude() {
    stats_.events += events_;
    for (const auto& device : devices_) conclude(device->side.disk);
    for (const auto& replica : replicas_) conclude(replica->side.dispatched);
  }
  void conclude(const test::OwnerDisk& disk) {
    for (const auto& [seq, task] : disk.tasks) {
      stats_.poisoned += task.row.task.state == TaskState::failed ? 1 : 0;
    }
  }

  void note(const std::string& what) {
    if (!logging_) return;
    char head[32];
    std::snprintf(head, sizeof head, "%6u %10.3f s  ", events_, double(now_.count()) / 1e6);
    log_ += head + what + "\n";
  }

  Random random_;
  const Limits& limits_;
  const bool logging_;
  const bool namesakes_;  // all devices name their tasks alike
  NodesStats& stats_;
  std::string log_;
  test::FakeBroker broker_;
  std::vector<std::unique_ptr<Device>> devices_;
  std::vector<std::unique_ptr<Replica>> replicas_;
  std::size_t active_ = 0, tasks_ = 0, submitted_ = 0, changed_ids_ = 0;
  unsigned faults_left_ = 0;
  std::uint32_t events_ = 0;
  Duration now_{};
  bool chaos_ = true, operators_ = false, restless_ = false;
};

Outcome Nodes::run(std::uint64_t seed, const Limits& limits, bool keep_log) {
  return Schedule(seed, limits, keep_log, traces_, stats_).play();
}

}  // namespace spillway::sim
