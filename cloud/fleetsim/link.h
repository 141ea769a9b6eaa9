#pragma once

#include <asio.hpp>
#include <asio/ssl.hpp>
#include <deque>
#include <functional>
#include <memory>
#include <optional>

#include "cloud/fleetsim/mqtt_packets.h"

namespace spillway::fleetsim {

struct LinkEvents {
  std::function<void(const Packet&)> packet;
  std::function<void()> open;                      // TCP and TLS are up
  std::function<void(const std::string&)> closed;  // by the other side, or an error
};

// One connection to the broker, with or without TLS, in a few kilobytes and without a thread of
// its own. The context's thread only. Lives as a shared_ptr; after close() nothing is reported.
class Link : public std::enable_shared_from_this<Link> {
 public:
  Link(asio::io_context& loop, asio::ssl::context* tls, LinkEvents events);

  void open(const asio::ip::tcp::endpoint& where, const std::string& host);
  void send(Bytes packet);
  // At once, without a goodbye: a broker takes it for a lost device.
  void close();
  bool is_open() const { return open_; }
  std::size_t queued() const { return out_.size(); }

 private:
  void on_connected(const std::string& host);
  void on_open();
  void read();
  void take(std::size_t size);
  void write();
  void fail_with(const std::string& why);

  LinkEvents events_;
  asio::ip::tcp::socket plain_;
  std::optional<asio::ssl::stream<asio::ip::tcp::socket&>> tls_;
  PacketReader reader_;
  std::array<std::uint8_t, 1024> in_{};
  std::deque<Bytes> out_;
  bool open_ = false, writing_ = false, closed_ = false;
};

}  // namespace spillway::fleetsim
