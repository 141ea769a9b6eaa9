#include "tests/support/fake_broker.h"

#include <algorithm>

namespace spillway::test {
namespace {

// The level that `text` begins with; it is taken off.
std::string_view pop_level(std::string_view& text) {
  const auto slash = text.find('/');
  const auto level = text.substr(0, slash);
  text.remove_prefix(slash == text.npos ? text.size() : slash + 1);
  return level;
}

}  // namespace

bool covers(std::string_view filter, std::string_view topic) {
  while (!filter.empty() && !topic.empty()) {
    const auto wanted = pop_level(filter);
    if (wanted == "#") return true;
    const auto level = pop_level(topic);
    if (wanted != "+" && wanted != level) return false;
  }
  return topic.empty() && (filter.empty() || filter == "#");
}

void FakeTransport::connect(const mqtt::ConnectOptions& options) {
  disconnect();
  options_ = options;
  connection_ = ++broker_.connections_;
  broker_.enqueue(*this, [this] { broker_.attach(*this); });
}

void FakeTransport::disconnect() {
  broker_.detach(*this, true);
  connection_ = 0;
  up_ = false;
  in_flight_ = 0;
}

Status FakeTransport::subscribe(const std::vector<std::string>& filters) {
  if (!up_) return fail(Code::unavailable, "not connected");
  broker_.enqueue(*this, [this, filters] { broker_.add_filters(*this, filters); });
  return {};
}

Status FakeTransport::publish(mqtt::Publication publication) {
  if (!up_) return fail(Code::unavailable, "not connected");
  const std::uint64_t packet = publication.payload.size() + mqtt::kAroundPayload;
  if (publication.payload.size() > mqtt::kMaxPayload ||
      packet > granted_.maximum_packet.value_or(UINT32_MAX)) {
    return fail(Code::invalid_argument, "larger than allowed");
  }
  if (publication.qos > 0 && in_flight_ >= limit_) return fail(Code::busy, "window full");
  in_flight_ += publication.qos > 0 ? 1 : 0;
  broker_.enqueue(*this,
                  [this, message = std::move(publication)] { broker_.take(*this, message); });
  return {};
}

Status FakeTransport::probe() {
  if (!up_) return fail(Code::unavailable, "not connected");
  broker_.enqueue(*this, [this] {
    ++broker_.probes_;
    if (events_.probed) events_.probed();
  });
  return {};
}

Status FakeTransport::trespass(const std::string& topic) {
  if (!up_) return fail(Code::unavailable, "not connected");
  trespassed_.push_back(topic);
  if (!bound_) return {};
  broker_.enqueue(*this, [this] {
    if (events_.trespassed) events_.trespassed(*bound_);
  });
  return {};
}

void FakeBroker::enqueue(const FakeTransport& transport, std::function<void()> happen) {
  const std::string& client = transport.options_.client_id;
  moving_.push_back({client, transport.connection_, std::move(happen)});
  if (last_.empty() && !arrives_) return;
  Duration& last = last_[client];
  last = moving_.back().at = std::max(last, arrives_ ? arrives_(client) : now_);
}

bool FakeBroker::step() {
  const auto next = std::find_if(moving_.begin(), moving_.end(), [this](const Moving& one) {
    return one.at <= now_ && !frozen_.contains(one.client);
  });
  if (next == moving_.end()) return false;
  const auto happen = std::move(next->happen);
  moving_.erase(next);
  happen();
  return true;
}

std::optional<Duration> FakeBroker::next_at() const {
  std::optional<Duration> next;
  for (const Moving& one : moving_) {
    if (one.at > now_ && !frozen_.contains(one.client))
      next = std::min(next.value_or(one.at), one.at);
  }
  return next;
}

std::size_t FakeBroker::run(std::size_t most) {
  std::size_t steps = 0;
  while (steps < most && step()) ++steps;
  return steps;
}

void FakeBroker::attach(FakeTransport& transport) {
  const std::string id = transport.options_.client_id;
  if (refused_.contains(id)) return lose(transport, "refused");
  if (const auto old = clients_.find(id); old != clients_.end()) {
    lose(*old->second.transport, "session taken over");
  }
  clients_[id] = {&transport, transport.connection_, transport.options_.will, {}};
  transport.up_ = true;
  if (transport.events_.connected) transport.events_.connected();
}

void FakeBroker::detach(FakeTransport& transport, bool gracefully) {
  const std::uint64_t connection = transport.connection_;
  if (connection == 0) return;
  const auto found = clients_.find(transport.options_.client_id);
  const bool attached = found != clients_.end() && found->second.connection == connection;
  if (attached && gracefully) {
    // What was published before still goes out, as the real one has it.
    std::vector<std::function<void()>> last;
    for (const Moving& one : moving_) {
      if (one.connection == connection && !frozen_.contains(one.client)) last.push_back(one.happen);
    }
    const auto events = std::exchange(transport.events_, {});
    for (const auto& happen : last) happen();
    transport.events_ = events;
  }
  std::erase_if(moving_, [&](const Moving& one) { return one.connection == connection; });
  if (!attached) return;
  const auto will = found->second.will;
  clients_.erase(found);
  if (will && !gracefully) {
    spread({.topic = will->topic, .payload = will->payload, .retained = true},
           transport.options_.client_id);
  }
}

void FakeBroker::lose(FakeTransport& transport, const std::string& why, int reason,
                      const std::string& server) {
  const bool was_up = transport.up_;
  detach(transport, false);
  transport.connection_ = 0;
  transport.up_ = false;
  transport.in_flight_ = 0;
  if (transport.events_.disconnected) {
    transport.events_.disconnected({fail(Code::unavailable, why), reason, server, was_up});
  }
}

void FakeBroker::cut(const std::string& client) {
  frozen_.erase(client);
  if (const auto found = clients_.find(client); found != clients_.end()) {
    lose(*found->second.transport, "cut");
  }
}

void FakeBroker::part(const std::string& client, int reason, const std::string& server) {
  lose(*clients_.at(client).transport, "farewell", reason, server);
}

void FakeBroker::crash() {
  retained_.clear();
  frozen_.clear();
  while (!clients_.empty()) {
    clients_.begin()->second.will.reset();
    lose(*clients_.begin()->second.transport, "broker gone");
  }
}

void FakeBroker::add_filters(FakeTransport& transport, const std::vector<std::string>& filters) {
  Client& client = clients_.at(transport.options_.client_id);
  for (const std::string& filter : filters) {
    client.filters.push_back(filter);
    for (const auto& [topic, message] : retained_) {
      if (covers(filter, topic)) deliver(client, message);
    }
  }
}

void FakeBroker::take(FakeTransport& transport, const mqtt::Publication& publication) {
  if (publication.qos > 0) {
    enqueue(transport, [&transport] {
      if (transport.in_flight_ > 0) --transport.in_flight_;
      if (transport.events_.published) transport.events_.published();
    });
  }
  spread(publication, transport.options_.client_id);
}

void FakeBroker::spread(const mqtt::Publication& publication, const std::string& from) {
  seen_.push_back(publication);
  if (publication.retained) retained_[publication.topic] = publication;
  for (auto& [id, client] : clients_) {
    const bool wanted = id != from && std::any_of(client.filters.begin(), client.filters.end(),
                                                  [&](const std::string& f) {
                                                    return covers(f, publication.topic);
                                                  });
    if (wanted) deliver(client, publication);
  }
}

void FakeBroker::deliver(Client& client, const mqtt::Publication& publication) {
  ++deliveries_;
  const bool twice = duplicate_every_ > 0 && deliveries_ % duplicate_every_ == 0;
  for (int i = 0; i < (twice ? 2 : 1); ++i) {
    enqueue(*client.transport, [transport = client.transport, publication] {
      if (transport->events_.message) {
        transport->events_.message(publication.topic, publication.payload.copy());
      }
    });
  }
}

}  // namespace spillway::test
