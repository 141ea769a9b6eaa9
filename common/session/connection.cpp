#include "common/session/connection.h"

#include "common/wire/codec.h"

namespace spillway::session {
namespace {

// Messages that may still fill wait for one in flight to be acknowledged once this many are. Small
// enough that a busy link sends full messages, large enough that one slow acknowledgement holds up
// nobody.
constexpr std::size_t kEagerInFlight = 2;
// Headroom in a message for the envelope around its items.
constexpr std::size_t kEnvelope = 512;  // bytes

}  // namespace

Connection::Connection(mqtt::Transport& transport, mqtt::LinkPolicy policy, Hooks hooks)
    : transport_(transport), hooks_(std::move(hooks)), link_(policy) {
  transport_.listen({
      .connected = [this] { on_connected(); },
      .disconnected = [this](Error reason) { on_disconnected(std::move(reason)); },
      .message =
          [this](std::string topic, Bytes payload) {
            traffic_.messages_down += 1;
            traffic_.bytes_down += payload.size();
            hooks_.message(topic, std::move(payload));
          },
      .published =
          [this] {
            link_.on_published(hooks_.now());
            hooks_.changed();
          },
  });
}

void Connection::start() { apply(link_.start(hooks_.now())); }

void Connection::stop() {
  apply(link_.stop());
  lanes_.clear();
}

void Connection::apply(mqtt::LinkMachine::Ask ask) {
  if (ask.disconnect) transport_.disconnect();
  if (ask.connect) {
    session_ += 1;
    seq_ = 0;
    transport_.connect(hooks_.options());
  }
  hooks_.changed();
}

void Connection::on_connected() {
  apply(link_.on_connected(hooks_.now()));
  if (!up()) return;
  // What is published beyond the broker's limit is refused, and would be lost until sent again.
  link_.limit_window(transport_.max_in_flight());
  last_problem_.clear();
  hooks_.up();
}

void Connection::on_disconnected(Error reason) {
  last_problem_ = reason.message;
  lanes_.clear();
  apply(link_.on_disconnected(hooks_.now(), hooks_.random()));
  hooks_.down(reason);
}

void Connection::on_timer() {
  const mqtt::LinkState was = link_.state();
  apply(link_.on_timer(hooks_.now(), hooks_.random()));
  if (was == mqtt::LinkState::down || link_.state() != mqtt::LinkState::down) return;
  lanes_.clear();
  last_problem_ = was == mqtt::LinkState::up ? "the broker stopped acknowledging"
                                             : "the broker did not answer in time";
  hooks_.down(fail(Code::timeout, last_problem_));
}

void Connection::send(const std::string& topic, wire::Item item) {
  if (!up()) return;
  Lane& lane = lanes_[topic];
  lane.bytes += wire::encoded_size_hint(item);
  lane.items.push_back(std::move(item));
  hooks_.changed();
}

Status Connection::publish(mqtt::Publication publication) {
  if (!up()) return fail(Code::unavailable, "the link is down");
  std::size_t size = publication.payload.size();
  bool counted = publication.qos > 0;
  Status status = transport_.publish(std::move(publication));
  if (!status) return status;
  traffic_.messages_up += 1;
  traffic_.bytes_up += size;
  if (counted) link_.on_publish(hooks_.now());
  return status;
}

bool Connection::full(const Lane& lane) const {
  return lane.items.size() >= wire::kMaxItems || lane.bytes + kEnvelope >= wire::kMaxMessage;
}

void Connection::pump() {
  // Full messages of every lane first, then what is left, oldest topic first; a lane that was
  // served re-enters only with new items, so no topic starves another.
  for (bool partial : {false, true}) {
    for (auto lane = lanes_.begin(); lane != lanes_.end();) {
      bool blocked = false;
      while (!lane->second.items.empty() && (partial || full(lane->second))) {
        bool eager = full(lane->second) || link_.in_flight() < kEagerInFlight;
        if (!link_.may_publish() || !eager || !publish_one(lane->first, lane->second)) {
          blocked = true;
          break;
        }
      }
      if (blocked && partial) return;
      lane = lane->second.items.empty() ? lanes_.erase(lane) : std::next(lane);
    }
  }
}

wire::Message Connection::pack(Lane& lane) {
  wire::Message message;
  message.session = session_;
  message.seq = ++seq_;
  message.sent_wall = hooks_.wall();
  std::size_t size = kEnvelope;
  while (!lane.items.empty() && message.items.size() < wire::kMaxItems) {
    std::size_t more = wire::encoded_size_hint(lane.items.front());
    if (!message.items.empty() && size + more > wire::kMaxMessage) break;
    size += more;
    lane.bytes -= more;
    message.items.push_back(std::move(lane.items.front()));
    lane.items.pop_front();
  }
  return message;
}

bool Connection::publish_one(const std::string& topic, Lane& lane) {
  mqtt::Publication publication;
  publication.topic = topic;
  wire::Message message = pack(lane);
  publication.payload = wire::encode(message);
  publication.content_type = "application/vnd.spillway.v1+flatbuffers";
  publication.traceparent = message.trace;
  publication.expiry = std::chrono::seconds(60);  // later the life cycle has sent it again
  return publish(std::move(publication)).ok();
}

}  // namespace spillway::session
