#pragma once

#include <cstdint>
#include <memory>

#include "common/mqtt/transport.h"
#include "common/process/loop.h"

namespace spillway::mqtt {

// MQTT 5 by Paho, over TCP or mutual TLS 1.3. The loop's thread, which it never blocks: it owns one
// thread for connecting and closing, and Paho has two for the whole process. Events are called on
// the loop. It may be destroyed at any moment, also from inside an event; a connection that is up
// is then ended as by disconnect(), and the destructor waits for that, a few seconds at most.
class PahoTransport final : public Transport {
 public:
  explicit PahoTransport(process::Loop& loop);
  ~PahoTransport() override;

  void listen(TransportEvents events) override;
  void connect(const ConnectOptions& options) override;
  void disconnect() override;
  Status subscribe(const std::vector<std::string>& filters) override;
  Status publish(Publication publication) override;
  std::size_t max_in_flight() const override;
  Status probe() override;
  Status trespass(const std::string& topic) override;
  Granted granted() const override;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace spillway::mqtt
