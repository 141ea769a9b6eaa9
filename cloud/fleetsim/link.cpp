#include "cloud/fleetsim/link.h"

namespace spillway::fleetsim {

using asio::ip::tcp;

Link::Link(asio::io_context& loop, asio::ssl::context* tls, LinkEvents events)
    : events_(std::move(events)), plain_(loop) {
  if (tls) tls_.emplace(plain_, *tls);
}

void Link::open(const tcp::endpoint& where, const std::string& host) {
  plain_.async_connect(where, [self = shared_from_this(), host](asio::error_code error) {
    if (self->closed_) return;
    if (error) return self->fail_with("cannot connect: " + error.message());
    self->on_connected(host);
  });
}

void Link::on_connected(const std::string& host) {
  asio::error_code ignored;
  plain_.set_option(tcp::no_delay(true), ignored);
  if (!tls_) return on_open();
  tls_->set_verify_callback(asio::ssl::host_name_verification(host), ignored);
  tls_->async_handshake(asio::ssl::stream_base::client,
                        [self = shared_from_this()](asio::error_code error) {
                          if (self->closed_) return;
                          if (error) return self->fail_with("TLS: " + error.message());
                          self->on_open();
                        });
}

void Link::on_open() {
  open_ = true;
  events_.open();
  read();
}

void Link::read() {
  if (closed_) return;
  auto took = [self = shared_from_this()](asio::error_code error, std::size_t size) {
    if (self->closed_) return;
    if (error) return self->fail_with("connection lost: " + error.message());
    self->take(size);
  };
  if (tls_) {
    tls_->async_read_some(asio::buffer(in_), took);
  } else {
    plain_.async_read_some(asio::buffer(in_), took);
  }
}

void Link::take(std::size_t size) {
  reader_.feed(ByteView(in_.data(), size));
  while (!closed_) {
    Result<std::optional<Packet>> packet = reader_.next();
    if (!packet) return fail_with(packet.error().message);
    if (!*packet) break;
    events_.packet(**packet);
  }
  read();
}

void Link::send(Bytes packet) {
  if (closed_ || !open_) return;
  out_.push_back(std::move(packet));
  if (!writing_) write();
}

void Link::write() {
  writing_ = true;
  auto wrote = [self = shared_from_this()](asio::error_code error, std::size_t) {
    self->writing_ = false;
    if (self->closed_) return;
    if (error) return self->fail_with("connection lost: " + error.message());
    self->out_.pop_front();
    if (!self->out_.empty()) self->write();
  };
  if (tls_) {
    asio::async_write(*tls_, asio::buffer(out_.front()), wrote);
  } else {
    asio::async_write(plain_, asio::buffer(out_.front()), wrote);
  }
}

void Link::fail_with(const std::string& why) {
  auto closed = events_.closed;
  close();
  if (closed) closed(why);
}

void Link::close() {
  if (closed_) return;
  closed_ = true;
  open_ = false;
  asio::error_code ignored;
  plain_.close(ignored);
}

}  // namespace spillway::fleetsim
