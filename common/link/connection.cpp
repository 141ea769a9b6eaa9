#include "common/link/connection.h"

#include <algorithm>
#include <cassert>

#include "common/base/trace_context.h"
#include "common/wire/codec.h"

namespace spillway::link {
namespace {

// Messages that may still fill wait for one in flight to be acknowledged once this many of their
// lane are. Small enough that a busy link sends full messages, large enough that one slow
// acknowledgement holds up nobody.
constexpr std::size_t kEagerInFlight = 2;
// Headroom in a message for the envelope around its items.
constexpr std::size_t kEnvelope = 512;  // bytes
// While a backlog waits, every so many messages one is its.
constexpr unsigned kLiveInARow = 4;
// A message of the backlog takes at most such a part of a second of the rate.
constexpr std::uint64_t kTurnsASecond = 20;
constexpr std::size_t kLeastMessage = 2048;  // bytes; smaller ones are mostly envelope

// The traceparent of an item that speaks of one attempt; empty: it belongs to no trace.
struct TraceOf {
  std::string operator()(const wire::Offer& offer) const {
    return traceparent(offer.trace, offer.id, offer.epoch);
  }
  std::string operator()(const wire::ResultItem& result) const {
    return traceparent(result.trace, result.id, result.epoch);
  }
  template <class Other>
  std::string operator()(const Other&) const {
    return {};
  }
};

}  // namespace

std::optional<wire::ResultItem> instead_of(const wire::Item& item, std::size_t largest) {
  const auto* result = std::get_if<wire::ResultItem>(&item);
  if (!result || wire::encoded_size_hint(item) <= largest) return std::nullopt;
  wire::ResultItem failed;
  failed.id = result->id;
  failed.epoch = result->epoch;
  failed.failure = FailureClass::error;
  failed.code = Code::unsupported;
  failed.message =
      "its result of " + std::to_string(result->value.bytes.size()) +
      " bytes is larger than the broker carries; raise its maximum packet size, or let "
      "it run where it was submitted";
  failed.report = result->report;
  return failed;
}

Connection::Connection(mqtt::Transport& transport, link::LinkPolicy policy, Hooks hooks)
    : transport_(transport), hooks_(std::move(hooks)), link_(policy), policy_(policy) {
  transport_.listen({
      .connected = [this] { on_connected(); },
      .disconnected = [this](const mqtt::Loss& loss) { on_disconnected(loss); },
      .message = [this](std::string topic,
                        Bytes payload) { on_message(std::move(topic), std::move(payload)); },
      .published =
          [this] {
            link_.on_published(hooks_.now());
            flight_.on_acknowledged(hooks_.now());
            land();
            hooks_.changed();
          },
      .probed = [this] { link_.on_heard(hooks_.now()); },
      .trespassed =
          [this](bool refused) { binding_ = refused ? mqtt::Binding::held : mqtt::Binding::open; },
  });
}

void Connection::start() { apply(link_.start(hooks_.now())); }

void Connection::stop() {
  apply(link_.stop());
  forget_queue();
}

void Connection::apply(link::LinkMachine::Ask ask) {
  if (ask.disconnect) transport_.disconnect();
  if (ask.connect) {
    session_ += 1;
    seq_ = 0;
    mqtt::ConnectOptions options = terms_.apply(hooks_.options());
    if (options.will) options.will->topic = outside(options.will->topic);
    transport_.connect(options);
  }
  if (ask.probe) probe();
  hooks_.changed();
}

std::string Connection::outside(const std::string& topic) const {
  const std::string& prefix = terms_.asked().topic_prefix;
  return prefix.empty() ? topic : prefix + "/" + topic;
}

void Connection::on_message(std::string topic, Bytes payload) {
  door_.enter();
  link_.on_heard(hooks_.now());
  traffic_.messages_down += 1;
  traffic_.bytes_down += payload.size();
  // A topic without the prefix is nobody's where all have it: it is refused like any wrong one.
  const std::string prefix = outside("");
  if (!prefix.empty() && topic.starts_with(prefix)) {
    topic.erase(0, prefix.size());
  } else if (!prefix.empty()) {
    topic.insert(0, "?");
  }
  hooks_.message(topic, std::move(payload));
}

Status Connection::subscribe(std::vector<std::string> filters) {
  for (std::string& filter : filters) filter = outside(filter);
  return transport_.subscribe(filters);
}

// Some brokers end the connection of whoever tries, which must not happen again and again.
void Connection::try_binding(const std::string& topic) {
  if (std::exchange(tried_, true)) return;
  (void)transport_.trespass(outside(topic));
}

std::vector<BrokerTerm> Connection::broker_terms() const {
  if (!up()) return {};
  auto terms = mqtt::describe(transport_.granted(), terms_.asked(), policy_.window);
  terms.push_back(mqtt::describe(binding_));
  return terms;
}

void Connection::probe() {
  if (!transport_.probe()) link_.on_missing(hooks_.now());
}

void Connection::on_connected() {
  // A keep-alive of the broker's own the transport knows nothing of: LinkMachine sees to it.
  const mqtt::Granted granted = transport_.granted();
  terms_.on_granted(granted);
  const std::chrono::seconds within = granted.keep_alive;
  const bool own = within < terms_.asked().keep_alive;
  apply(link_.on_connected(hooks_.now(), own ? within : std::chrono::seconds(0)));
  if (!up()) return;
  // What is published beyond the broker's limit is refused, and would be lost until sent again.
  link_.limit_window(std::min(transport_.max_in_flight(), terms_.window()));
  last_problem_.clear();
  hooks_.up();
}

void Connection::on_disconnected(const mqtt::Loss& loss) {
  last_problem_ = loss.message;
  const auto largest = static_cast<std::size_t>(flight_.largest());
  const link::Pace pace = terms_.on_lost(loss, {link_.in_flight(), largest});
  forget_queue();
  apply(link_.on_disconnected(hooks_.now(), hooks_.random(), pace));
  hooks_.down(loss);
}

void Connection::on_timer() {
  const link::LinkMachine::Ask ask = link_.on_timer(hooks_.now(), hooks_.random());
  apply(ask);
  if (ask.because.empty()) return;
  forget_queue();
  last_problem_ = ask.because;
  hooks_.down(fail(Code::timeout, last_problem_));
}

void Connection::forget_queue() {
  lanes_.clear();
  queued_ = 0;
  flight_.clear();
  flying_.clear();
  flying_by_.clear();
}

void Connection::land() {
  if (flying_.empty()) return;
  auto alike = flying_by_.find(flying_.front());
  assert(alike != flying_by_.end() && "a message under way is not counted in its lane");
  if (--alike->second == 0) flying_by_.erase(alike);
  flying_.pop_front();
}

NodeTime Connection::next_timer() const {
  const bool paced = up() && !lanes_.empty() && !pacer_.may_send(hooks_.now());
  return paced ? std::min(link_.next_timer(), pacer_.free_at()) : link_.next_timer();
}

bool Connection::send(const std::string& topic, wire::Item item, Urgency urgency) {
  door_.enter();
  const std::size_t memory = wire::held_size(item);
  if (!up() || queued_ + memory > kQueuedBytes) return false;
  Lane& lane = lanes_[{urgency, topic}];
  if (!lane.items.empty() && lane.memory + memory > kLaneBytes) return false;
  lane.bytes += wire::encoded_size_hint(item);
  lane.memory += memory;
  queued_ += memory;
  lane.items.push_back(std::move(item));
  hooks_.changed();
  return true;
}

bool Connection::quiet(const std::string& topic, Urgency urgency) const {
  const LaneKey key{urgency, topic};
  return !lanes_.contains(key) && !flying_by_.contains(key);
}

Status Connection::publish(mqtt::Publication publication, Urgency urgency) {
  door_.enter();
  if (!up()) return fail(Code::unavailable, "the link is down");
  std::size_t size = publication.payload.size();
  bool counted = publication.qos > 0;
  LaneKey lane{urgency, publication.topic};
  publication.topic = outside(publication.topic);
  Status status = transport_.publish(std::move(publication));
  // The end of a connection may go unreported; this is where it shows.
  if (!status && status.error().code == Code::unavailable) {
    link_.on_missing(hooks_.now());
    hooks_.changed();
  }
  if (!status) return status;
  traffic_.messages_up += 1;
  traffic_.bytes_up += size;
  pacer_.on_sent(hooks_.now(), size);
  if (counted) {
    link_.on_publish(hooks_.now());
    flight_.on_sent(hooks_.now(), size);
    flying_by_[lane] += 1;
    flying_.push_back(std::move(lane));
  }
  return status;
}

// Bytes of one message: a long one of the backlog would hold up a live one for as long as it takes.
std::size_t Connection::most(Urgency urgency) const {
  const std::size_t largest = std::min(wire::kMaxMessage, terms_.largest_payload());
  if (urgency == Urgency::live) return largest;
  const std::uint64_t turn = pacer_.rate() == 0 ? largest : pacer_.rate() / kTurnsASecond;
  const std::uint64_t room = std::min(turn, flight_.room(hooks_.now()) / 2);
  return std::min(largest, std::max(kLeastMessage, static_cast<std::size_t>(room)));
}

std::size_t Connection::largest_item() const {
  const std::size_t largest = terms_.largest_payload();
  return largest - std::min(largest, kEnvelope);
}

bool Connection::full(const LaneKey& key, const Lane& lane) const {
  return lane.items.size() >= wire::kMaxItems || lane.bytes + kEnvelope >= most(key.first);
}

bool Connection::may_publish(Urgency urgency) const {
  if (!link_.may_publish() || !pacer_.may_send(hooks_.now())) return false;
  return urgency == Urgency::live || flight_.bytes() < flight_.room(hooks_.now());
}

// Whether a message goes at once, though it could still fill. What is under way of a backlog does
// not make a live item wait for company.
bool Connection::is_eager(const LaneKey& key, const Lane& lane) const {
  if (full(key, lane)) return true;
  const auto alike = flying_by_.find(key);
  const std::size_t live = alike == flying_by_.end() ? 0 : alike->second;
  return (key.first == Urgency::live ? live : link_.in_flight()) < kEagerInFlight;
}

// Publishes a lane's messages in order: full ones, and with `partial` one that could still fill,
// too. The lane stays in lanes_, be it empty, for serve_from() to erase. Before each message: is it
// the backlog's turn, after kLiveInARow live ones (true)? May it go at all, by window, rate and
// room in flight, and need it not wait for company (false)? What the transport then refuses is
// forgotten, for the life cycle sends it again (false). True: the lane was served as far as it is
// to be now.
bool Connection::serve(Lanes::iterator lane, bool partial) {
  const auto& [urgency, topic] = lane->first;
  while (!lane->second.items.empty() && (partial || full(lane->first, lane->second))) {
    const bool backlog_waits = urgency == Urgency::live && lanes_.rbegin()->first.first != urgency;
    // One message in so many is the backlog's, whatever else there is.
    if (backlog_waits && live_in_a_row_ >= kLiveInARow && may_publish(Urgency::backlog)) {
      return true;
    }
    if (!may_publish(urgency) || !is_eager(lane->first, lane->second)) return false;
    if (!publish_one(lane->first, lane->second)) return false;
    if (partial && urgency == Urgency::live) served_last_ = lane->first;
    live_in_a_row_ = backlog_waits ? live_in_a_row_ + 1 : 0;
  }
  return true;
}

void Connection::pump() {
  door_.enter();
  // Full messages of every lane first, then what is left. When the window closes before all had
  // their turn, the next ones go on from there: no topic starves another.
  serve_from(lanes_.begin(), lanes_.end(), false);
  const auto backlog = lanes_.lower_bound({Urgency::backlog, ""});
  const LaneKey last = served_last_;
  serve_from(lanes_.upper_bound(last), backlog, true);
  serve_from(lanes_.begin(), lanes_.upper_bound(last), true);
  serve_from(backlog, lanes_.end(), true);
}

// Serves the lanes from `lane` to before `end` while a live message may go, and erases those that
// are empty. What holds up one lane's partial message of the backlog holds up all of the backlog:
// the pass ends there.
void Connection::serve_from(Lanes::iterator lane, Lanes::iterator end, bool partial) {
  while (lane != end && may_publish(Urgency::live)) {
    if (!serve(lane, partial) && partial && lane->first.first == Urgency::backlog) return;
    lane = lane->second.items.empty() ? lanes_.erase(lane) : std::next(lane);
  }
}

wire::Message Connection::pack(Lane& lane, std::size_t most) {
  wire::Message message;
  message.session = session_;
  message.seq = ++seq_;
  message.sent_wall = hooks_.wall();
  std::size_t size = kEnvelope;
  while (!lane.items.empty() && message.items.size() < wire::kMaxItems) {
    std::size_t more = wire::encoded_size_hint(lane.items.front());
    if (!message.items.empty() && size + more > most) break;
    size += more;
    const std::size_t memory = wire::held_size(lane.items.front());
    lane.bytes -= more;
    lane.memory -= memory;
    queued_ -= memory;
    message.items.push_back(std::move(lane.items.front()));
    lane.items.pop_front();
  }
  message.trace = std::visit(TraceOf(), message.items.front());
  return message;
}

bool Connection::publish_one(const LaneKey& key, Lane& lane) {
  mqtt::Publication publication;
  publication.topic = key.second;
  wire::Message message = pack(lane, most(key.first));
  publication.payload = wire::encode(message);
  publication.content_type = "application/vnd.spillway.v1+flatbuffers";
  publication.traceparent = message.trace;
  publication.expiry = std::chrono::seconds(60);  // later the life cycle has sent it again
  return publish(std::move(publication), key.first).ok();
}

}  // namespace spillway::link
