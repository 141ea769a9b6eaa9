#include "common/mqtt/paho_transport.h"

#include "common/mqtt/blocking_calls.h"
#include "common/mqtt/mailbox.h"
#include "common/mqtt/paho_client.h"
#include "common/process/log.h"

namespace spillway::mqtt {
namespace {

constexpr std::chrono::seconds kFlushPatience{1};

Result<Endpoint> endpoint_of(const ConnectOptions& options) {
  auto endpoint = parse_endpoint(options.uri);
  if (!endpoint) return endpoint;
  if (endpoint->tls && !options.tls) {
    return fail(Code::invalid_argument,
                "broker " + options.uri + " is to be reached over TLS: set the CA file");
  }
  if (!endpoint->tls && options.tls) {
    return fail(Code::invalid_argument, "broker " + options.uri +
                                            " is to be reached without TLS although certificates "
                                            "are set; use mqtts://");
  }
  return endpoint;
}

}  // namespace

struct PahoTransport::State {
  explicit State(process::Loop& loop)
      : mailbox(std::make_shared<Mailbox>(loop,
                                          [this](Report report) { deliver(std::move(report)); })) {}

  void deliver(Report report);
  void seek_cause(Failure failure);
  void open(Endpoint endpoint, const ConnectOptions& options);
  void drop();  // the present connection, in good manners

  TransportEvents events;
  std::shared_ptr<Mailbox> mailbox;
  std::uint64_t number = 0;  // of the only connection whose reports are heard; 0: of none
  std::uint64_t attempts = 0;
  std::shared_ptr<PahoClient> client;
  bool up = false;
  BlockingCalls calls;
};

// A report of a connection, on the loop. Once the number has moved on, or is 0, what an earlier
// connection still says is dropped.
void PahoTransport::State::deliver(Report report) {
  if (number == 0 || report.connection != number) return;
  // Called through copies: an event may destroy the transport, and the function with it.
  switch (report.kind) {
    case Report::Kind::connected: {
      up = true;
      if (auto call = events.connected) call();
      return;
    }
    case Report::Kind::failed: return seek_cause(std::move(report.failure));
    case Report::Kind::disconnected: {
      drop();
      if (auto call = events.disconnected) call(std::move(report.loss));
      return;
    }
    case Report::Kind::message: {
      if (auto call = events.message) call(std::move(report.topic), std::move(report.payload));
      return;
    }
    case Report::Kind::published: {
      if (auto call = events.published) call();
      return;
    }
    case Report::Kind::probed: {
      if (auto call = events.probed) call();
      return;
    }
    case Report::Kind::trespassed: {
      if (auto call = events.trespassed) call(report.stopped);
      return;
    }
    case Report::Kind::refused: {
      if (auto call = events.refused) return call(std::move(report.error));
      process::log_once(process::Level::warning, "mqtt-refused", report.error.message);
      return;
    }
  }
}

// Looks for the cause where calls may block, and then reports the end with it.
void PahoTransport::State::seek_cause(Failure failure) {
  calls.add([mailbox = mailbox, number = number, failure = std::move(failure)] {
    mailbox->put({.kind = Report::Kind::disconnected,
                  .connection = number,
                  .loss = {explain(failure, gather(failure)), failure.reason_code, failure.server,
                           failure.was_up}});
  });
}

void PahoTransport::State::open(Endpoint endpoint, const ConnectOptions& options) {
  client = std::make_shared<PahoClient>(number, std::move(endpoint), options, mailbox);
  calls.add([mailbox = mailbox, number = number, client = client] {
    if (const Status opened = client->open(); !opened) {
      mailbox->put(
          {.kind = Report::Kind::disconnected, .connection = number, .loss = {opened.error()}});
    }
  });
}

void PahoTransport::State::drop() {
  number = 0;
  if (!client) return;
  client->abandon();
  calls.add([client = std::move(client), was_up = std::exchange(up, false)]() mutable {
    if (was_up) client->flush(kFlushPatience);
    client.reset();
  });
}

PahoTransport::PahoTransport(process::Loop& loop) : state_(std::make_unique<State>(loop)) {}

PahoTransport::~PahoTransport() {
  state_->mailbox->close();
  state_->drop();
}

void PahoTransport::listen(TransportEvents events) { state_->events = std::move(events); }

void PahoTransport::connect(const ConnectOptions& options) {
  state_->drop();
  state_->number = ++state_->attempts;
  auto endpoint = endpoint_of(options);
  if (endpoint) return state_->open(std::move(*endpoint), options);
  state_->mailbox->put({.kind = Report::Kind::disconnected,
                        .connection = state_->number,
                        .loss = {endpoint.error()}});
}

void PahoTransport::disconnect() { state_->drop(); }

Status PahoTransport::subscribe(const std::vector<std::string>& filters) {
  if (!state_->up) return fail(Code::unavailable, "not connected");
  return state_->client->subscribe(filters);
}

Status PahoTransport::publish(Publication publication) {
  if (!state_->up) return fail(Code::unavailable, "not connected");
  return state_->client->publish(publication);
}

Status PahoTransport::probe() {
  if (!state_->up) return fail(Code::unavailable, "not connected");
  return state_->client->probe();
}

Status PahoTransport::trespass(const std::string& topic) {
  if (!state_->up) return fail(Code::unavailable, "not connected");
  return state_->client->trespass(topic);
}

Granted PahoTransport::granted() const {
  return state_->up ? state_->client->granted() : Granted{};
}

std::size_t PahoTransport::max_in_flight() const {
  return state_->up ? state_->client->max_in_flight() : 0;
}

}  // namespace spillway::mqtt
