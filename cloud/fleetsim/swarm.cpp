#include "cloud/fleetsim/swarm.h"

#include <algorithm>
#include <cstdio>

#include "common/wire/codec.h"
#include "common/wire/topics.h"

namespace spillway::fleetsim {
namespace {

using asio::ip::tcp;
using wire::Channel;
using wire::Direction;

constexpr auto kTick = std::chrono::milliseconds(50);
constexpr std::size_t kMaxQueued = 32;       // packets of one device that its link has not taken
constexpr std::size_t kMaxOutstanding = 16;  // offers of one device without a result
constexpr double kBackoffBase = 0.25, kBackoffCap = 30;  // seconds, as the agent's

std::string topic_of(const std::string& device, Direction direction, Channel channel) {
  return wire::to_string(wire::Topic{device, direction, channel});
}

}  // namespace

struct Swarm::Member {
  Member(std::uint32_t number, std::string id, Behaviour life, std::uint64_t seed,
         const DispatchedOptions& options)
      : index(number), name(std::move(id)), behaviour(std::move(life)), dispatched(seed, options) {}
  std::uint32_t index;
  std::string name;
  Behaviour behaviour;
  wire::TelemetryFrames frames;
  std::shared_ptr<Link> link;
  bool online = false, waits = false, killed = false;
  std::uint32_t starts = behaviour.starts(), connections = 0, failures = 0;
  std::uint64_t sent = 0;  // messages of this session
  std::uint64_t next_task = 0;
  std::map<std::uint64_t, bool> outstanding;  // tasks offered; whether accepted
  double spoke = 0;
  DispatchedTasks dispatched;

  std::uint64_t session() const { return std::uint64_t(behaviour.starts()) << 32 | connections; }
  Origin origin() const { return {std::hash<std::string>()(name) | 1}; }
};

Swarm::Swarm(asio::io_context& loop, SwarmOptions options)
    : loop_(loop), options_(std::move(options)), timer_(loop), random_(options_.seed) {}

Swarm::~Swarm() {
  for (auto& member : members_) {
    if (member->link) member->link->close();
  }
}

Result<std::unique_ptr<Swarm>> Swarm::create(asio::io_context& loop, SwarmOptions options) {
  std::unique_ptr<Swarm> swarm(new Swarm(loop, std::move(options)));
  if (Status status = swarm->resolve(); !status) return status.error();
  if (Status status = swarm->make_tls(); !status) return status.error();
  TaskSpec spec;
  spec.kind.name = "echo";
  spec.input.bytes = to_bytes("a reading of a simulated device");
  swarm->spec_ = wire::encode(spec);
  const SwarmOptions& given = swarm->options_;
  for (std::uint32_t i = 0; i < given.devices; ++i) {
    auto link = given.links.empty() ? nullptr : given.links[i % given.links.size()];
    swarm->members_.push_back(std::make_unique<Member>(
        i, swarm->name_of(i), Behaviour(given.seed * 1'000'003 + i, given.habits, link),
        given.seed * 7'368'787 + i, given.dispatched));
    if (Result<std::string> good = check_device_id(swarm->members_.back()->name); !good) {
      return good.error();
    }
  }
  return swarm;
}

std::string Swarm::name_of(std::uint32_t device) const {
  char number[16];
  std::snprintf(number, sizeof number, "-%06u", device);
  return options_.prefix + number;
}

Status Swarm::resolve() {
  const std::string& uri = options_.uri;
  std::size_t scheme = uri.find("://"), colon = uri.rfind(':');
  bool known = uri.starts_with("mqtt://") || uri.starts_with("mqtts://");
  if (!known || colon <= scheme) {
    return fail(Code::invalid_argument, "the broker must read mqtts://host:port, not " + uri);
  }
  host_ = uri.substr(scheme + 3, colon - scheme - 3);
  asio::error_code error;
  auto found = tcp::resolver(loop_).resolve(host_, uri.substr(colon + 1), error);
  if (error || found.empty()) {
    return fail(Code::unavailable, "cannot find the broker " + host_ + ": " + error.message());
  }
  broker_ = found.begin()->endpoint();
  return {};
}

Status Swarm::make_tls() {
  if (!options_.uri.starts_with("mqtts://")) return {};
  asio::ssl::context& context = tls_.emplace(asio::ssl::context::tls_client);
  asio::error_code error;
  const std::string* file = &options_.ca;
  context.load_verify_file(options_.ca, error);
  context.set_verify_mode(asio::ssl::verify_peer);
  if (!error) {
    file = &options_.certificate;
    context.use_certificate_chain_file(options_.certificate, error);
  }
  if (!error) {
    file = &options_.key;
    context.use_private_key_file(options_.key, asio::ssl::context::pem, error);
  }
  if (error) return fail(Code::invalid_argument, "cannot use " + *file + ": " + error.message());
  return {};
}

NodeTime Swarm::time() const { return NodeTime(Duration(std::int64_t(now() * 1e6))); }

double Swarm::now() const {
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - begun_).count();
}

void Swarm::start() {
  begun_ = std::chrono::steady_clock::now();
  for (auto& member : members_) schedule_connect(*member);
  tick();
}

void Swarm::stop() {
  stopped_ = true;
  timer_.cancel();
  for (auto& member : members_) {
    if (!member->online) continue;
    std::string topic = topic_of(member->name, Direction::up, Channel::state);
    Bytes goodbye = state_of(*member, false, true);
    member->link->send(publish_packet({topic, goodbye, 1, true}));
    member->link->send(disconnect_packet());
  }
}

void Swarm::kill(std::uint32_t first, std::uint32_t count) {
  for (std::uint32_t i = first; i < std::min(first + count, options_.devices); ++i) {
    members_[i]->killed = true;
    drop(*members_[i]);
  }
}

void Swarm::revive() {
  for (auto& member : members_) {
    if (std::exchange(member->killed, false)) schedule_connect(*member);
  }
}

void Swarm::tick() {
  if (stopped_) return;
  double at = now(), passed = at - std::exchange(last_tick_, at);
  if (at - second_ >= 1) {
    second_ = at;
    stats_.peak_connects = std::max(stats_.peak_connects, std::exchange(connects_this_second_, 0));
  }
  connect_credit_ = std::min(connect_credit_ + passed * options_.connects_per_second,
                             std::max(1.0, options_.connects_per_second / 10));
  while (connect_credit_ >= 1 && !waiting_.empty() && waiting_.begin()->first <= at) {
    Member& member = *waiting_.begin()->second;
    waiting_.erase(waiting_.begin());
    member.waits = false;
    connect_credit_ -= 1;
    if (!member.killed && !member.link) connect(member);
  }
  auto turn = std::size_t(at / options_.interval * options_.devices);
  for (; next_frame_ < turn; ++next_frame_) live(*members_[next_frame_ % members_.size()], at);
  offer_tasks(passed);
  run_dispatched();
  timer_.expires_after(kTick);
  timer_.async_wait([this](asio::error_code error) {
    if (!error) tick();
  });
}

void Swarm::live(Member& member, double at) {
  member.behaviour.advance(at);
  if (member.killed) return;
  bool restarted =
      std::exchange(member.starts, member.behaviour.starts()) != member.behaviour.starts() &&
      member.connections > 0;
  // A link that went takes its connection with it. (Its end is seen at once here; a real one would
  // be found out by the keep-alive.)
  if (!member.behaviour.reachable() || restarted) {
    if (member.link) drop(member);
    if (restarted) {
      member.connections = 0;
      member.outstanding.clear();
      member.dispatched.restarted(time());
    }
  }
  if (!member.link && !member.waits) schedule_connect(member);
  if (member.online) send_frame(member, at);
}

void Swarm::schedule_connect(Member& member) {
  if (member.waits || stopped_) return;
  double most =
      std::min(kBackoffCap, kBackoffBase * double(1ULL << std::min(member.failures, 10U)));
  double wait = std::uniform_real_distribution<double>(0, most)(random_) + reconnect_floor_;
  member.waits = true;
  waiting_.emplace(now() + wait, &member);
}

void Swarm::connect(Member& member) {
  if (!member.behaviour.reachable()) return;
  member.connections += 1;
  member.sent = 0;
  ++connects_this_second_;
  Member* who = &member;
  LinkEvents events;
  events.open = [this, who] { on_open(*who); };
  events.packet = [this, who](const Packet& packet) { on_packet(*who, packet); };
  events.closed = [this, who](const std::string& why) { on_closed(*who, why); };
  member.link = std::make_shared<Link>(loop_, tls_ ? &*tls_ : nullptr, std::move(events));
  member.link->open(broker_, host_);
}

Bytes Swarm::state_of(const Member& member, bool online, bool graceful) const {
  wire::Presence presence;
  presence.online = online;
  presence.graceful = graceful;
  presence.session = member.session();
  presence.boot = BootId{member.origin().value + member.behaviour.starts()};
  presence.version = "0.1.0-sim";
  presence.machine = member.index % 4 == 0 ? "armv7l" : "aarch64";
  presence.workers = 2;
  presence.memory = 1 << 30;
  presence.tags = {"sim"};
  presence.kinds = {{"echo", 1, true, {}}};
  return wire::encode(presence);
}

void Swarm::on_open(Member& member) {
  Will will{topic_of(member.name, Direction::up, Channel::state), state_of(member, false, false)};
  member.link->send(connect_packet(member.name, options_.keep_alive, will));
}

void Swarm::on_packet(Member& member, const Packet& packet) {
  if (packet.type == PacketType::publish) return on_publish(member, packet);
  if (packet.type == PacketType::connack) {
    if (!says_yes(packet)) {
      drop(member);
      return on_closed(member, "the broker refused the connection; see its log and access list");
    }
    member.online = true;
    member.failures = 0;
    ++stats_.online;
    ++stats_.connects;
    std::string any = topic_of(member.name, Direction::down, Channel::ack);
    member.link->send(subscribe_packet(1, any.substr(0, any.rfind('/')) + "/#"));
    member.link->send(subscribe_packet(2, std::string(wire::kCloudState)));
    Bytes birth = state_of(member, true, false);
    std::string topic = topic_of(member.name, Direction::up, Channel::state);
    member.link->send(publish_packet({topic, birth, 3, true}));
    return;
  }
  bool refused =
      (packet.type == PacketType::suback || packet.type == PacketType::puback) && !says_yes(packet);
  if (refused) {
    ++stats_.refused;
    stats_.last_problem = "the broker refused a publication or subscription; see its access list";
  }
  if (packet.type == PacketType::disconnect) {
    drop(member);
    on_closed(member, "the broker ended the connection");
  }
}

// What a cloud that is there, or there again, has to hear: it may have missed all that was said
// before it subscribed.
void Swarm::introduce(Member& member) {
  for (const auto& [seq, accepted] : member.outstanding) offer(member, seq);
  lease(member,
        [](DispatchedTasks& tasks, NodeTime at, const auto& send) { tasks.connected(at, send); });
}

void Swarm::on_publish(Member& member, const Packet& packet) {
  Result<Incoming> message = read_publish(packet);
  if (!message) return;
  if (message->id != 0) member.link->send(puback_packet(message->id));
  if (message->topic == wire::kCloudState) {
    Result<wire::Presence> cloud = wire::decode_presence(message->payload);
    if (!cloud) return;
    reconnect_floor_ = double(cloud->reconnect_floor.count()) / 1e6;
    if (cloud->online) introduce(member);
    return;
  }
  Result<wire::Message> items = wire::decode_message(message->payload);
  if (!items) return;
  for (const wire::Item& item : items->items) on_item(member, item);
}

void Swarm::on_item(Member& member, const wire::Item& item) {
  std::string acks = topic_of(member.name, Direction::up, Channel::ack);
  const auto hand = [&](const auto& said) {
    lease(member,
          [&](DispatchedTasks& tasks, NodeTime at, const auto& send) { tasks.on(said, at, send); });
  };
  if (auto* command = std::get_if<wire::Command>(&item)) {
    say(member, topic_of(member.name, Direction::up, Channel::rsp),
        wire::CommandReply{command->token, Code::unsupported, "a simulated device has none"});
  } else if (auto* offer = std::get_if<wire::Offer>(&item)) {
    ++stats_.dispatched;
    hand(*offer);
  } else if (auto* kept = std::get_if<wire::BeatAck>(&item)) {
    hand(*kept);
  } else if (auto* ack = std::get_if<wire::ResultAck>(&item)) {
    hand(*ack);
  } else if (auto* cancel = std::get_if<wire::Cancel>(&item)) {
    hand(*cancel);
  } else if (auto* accept = std::get_if<wire::Accept>(&item)) {
    auto found = member.outstanding.find(accept->id.seq);
    if (found != member.outstanding.end() && !std::exchange(found->second, true)) ++stats_.accepts;
  } else if (auto* nack = std::get_if<wire::Nack>(&item)) {
    if (member.outstanding.erase(nack->id.seq) > 0) ++stats_.refused;
  } else if (auto* beat = std::get_if<wire::Beat>(&item)) {
    bool keep = member.outstanding.contains(beat->id.seq);
    say(member, acks, wire::BeatAck{beat->id, beat->epoch, keep, beat->round});
  } else if (auto* result = std::get_if<wire::ResultItem>(&item)) {
    bool first = member.outstanding.erase(result->id.seq) > 0;
    stats_.results += first;
    if (first) member.behaviour.answered();
    say(member, acks,
        wire::ResultAck{result->id, result->epoch,
                        first ? wire::ResultVerdict::accepted : wire::ResultVerdict::duplicate});
  }
}

// Acts on what was dispatched to a device, and sends what follows from it.
template <class Act>
void Swarm::lease(Member& member, Act act) {
  const std::uint64_t before = member.dispatched.done();
  act(member.dispatched, time(), [&](wire::Item item) {
    const Channel channel =
        std::holds_alternative<wire::ResultItem>(item) ? Channel::result : Channel::ack;
    say(member, topic_of(member.name, Direction::up, channel), std::move(item));
  });
  stats_.dispatched_done += member.dispatched.done() - before;
  if (member.dispatched.busy()) {
    busy_.insert(&member);
  } else {
    busy_.erase(&member);
  }
}

void Swarm::run_dispatched() {
  // Acting takes a device out of the set, maybe.
  for (auto next = busy_.begin(); next != busy_.end();) {
    Member& member = **next++;
    lease(member,
          [](DispatchedTasks& tasks, NodeTime at, const auto& send) { tasks.advance(at, send); });
  }
}

void Swarm::say(Member& member, const std::string& topic, wire::Item item) {
  if (!member.online || member.link->queued() > kMaxQueued) return;
  wire::Message message;
  message.session = member.session();
  message.seq = ++member.sent;
  message.items.push_back(std::move(item));
  const SharedBytes bytes = wire::encode(message);
  member.link->send(publish_packet({topic, bytes, std::uint16_t(4 + member.sent % 60'000)}));
  member.spoke = now();
}

void Swarm::drop(Member& member) {
  if (!member.link) return;
  member.link->close();
  member.link.reset();
  if (std::exchange(member.online, false)) {
    --stats_.online;
    ++stats_.drops;
  }
}

void Swarm::on_closed(Member& member, const std::string& why) {
  drop(member);
  stats_.last_problem = why;
  member.failures += 1;
  ++stats_.failures;
  if (!member.killed) schedule_connect(member);
}

void Swarm::send_frame(Member& member, double at) {
  if (member.link->queued() > kMaxQueued) return;
  wire::Telemetry measured;
  measured.session = member.session();
  measured.interval =
      std::max(Duration(std::chrono::seconds(1)), Duration(std::int64_t(options_.interval * 1e6)));
  auto wall =
      std::chrono::duration_cast<Duration>(std::chrono::system_clock::now().time_since_epoch());
  measured.sent_wall = wall - member.behaviour.behind();
  member.behaviour.measure(measured);
  Bytes frame = wire::encode(member.frames.next(std::move(measured)));
  std::string topic = topic_of(member.name, Direction::up, Channel::tel);
  member.link->send(publish_packet({topic, frame, 0, false}));
  member.spoke = at;
  ++stats_.frames;
  stats_.frame_bytes += frame.size();
}

void Swarm::offer(Member& member, std::uint64_t seq) {
  wire::Offer offer;
  offer.id = {member.origin(), seq};
  offer.epoch = Epoch{1};
  offer.lease = std::chrono::seconds(30);
  offer.spec = spec_;
  say(member, topic_of(member.name, Direction::up, Channel::task), std::move(offer));
}

void Swarm::offer_tasks(double seconds) {
  task_credit_ += seconds * options_.tasks_per_second;
  for (int tries = 0; task_credit_ >= 1 && tries < 1000; ++tries) {
    Member& member = *members_[static_cast<std::size_t>(random_() % members_.size())];
    if (!member.online || member.outstanding.size() >= kMaxOutstanding) continue;
    task_credit_ -= 1;
    std::uint64_t seq = std::uint64_t(member.behaviour.starts()) << 32 | ++member.next_task;
    member.outstanding[seq] = false;
    ++stats_.offers;
    offer(member, seq);
  }
  task_credit_ = std::min(task_credit_, options_.tasks_per_second);
}

}  // namespace spillway::fleetsim
