#pragma once

#include <string>
#include <vector>

#include "common/wire/messages.h"
#include "tests/support/fake_broker.h"

namespace spillway::test {

// What a lessee says of an attempt that gave that value.
wire::ResultItem success_of(TaskId id, Epoch epoch, const std::string& value);

// What an owner says of an attempt that it grants.
wire::Offer offer_of(TaskId id, Epoch epoch, const TaskSpec& spec);

// The other side of a node under test, played by hand over a broker in memory. Steps nothing
// itself.
class Peer {
 public:
  Peer(FakeBroker& broker, std::string client_id, std::vector<std::string> filters);

  void connect();
  void publish(const std::string& topic, SharedBytes payload, bool retained = false);
  void send(const std::string& topic, std::vector<wire::Item> items);
  bool up() const { return transport_.up(); }

  // Takes out all received items of one type, in order.
  template <class T>
  std::vector<T> take() {
    std::vector<T> taken;
    std::vector<wire::Item> rest;
    for (wire::Item& item : items_) {
      if (T* one = std::get_if<T>(&item)) {
        taken.push_back(std::move(*one));
      } else {
        rest.push_back(std::move(item));
      }
    }
    items_ = std::move(rest);
    return taken;
  }
  // Takes out the reason of the only NACK that came; empty: not one came.
  std::string nacked();
  const std::vector<wire::Item>& items() const { return items_; }
  const std::vector<wire::Presence>& presences() const { return presences_; }
  void forget() { items_.clear(); }

 private:
  void take_message(const std::string& topic, const Bytes& payload);

  std::string client_id_;
  std::vector<std::string> filters_;
  FakeTransport transport_;
  std::vector<wire::Item> items_;
  std::vector<wire::Presence> presences_;
  std::uint64_t seq_ = 0;
};

}  // namespace spillway::test
