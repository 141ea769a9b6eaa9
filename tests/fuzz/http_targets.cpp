#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdint>
#include <string>

#include "cloud/api/call.h"
#include "cloud/api/cursor.h"
#include "cloud/api/device_selection.h"
#include "cloud/api/routes.h"
#include "cloud/api/series_query.h"
#include "cloud/http/client.h"
#include "cloud/http/encoding.h"
#include "cloud/http/own_names.h"
#include "tests/fuzz/checks.h"
#include "tests/integration/http/service_rig.h"

namespace spillway::fuzz {
namespace {

using namespace cloud;
using namespace cloud::api;
using namespace cloud::http;

// The cloud's own server, with a few devices and tasks.
struct Cloud {
  test::ServiceRig rig;
  std::string token = rig.token("admin");
  sockaddr_in address{};
  Cloud() {
    const std::string url = rig.service().url();
    address.sin_family = AF_INET;
    address.sin_port =
        htons(static_cast<std::uint16_t>(std::stoul(url.substr(url.rfind(':') + 1))));
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  }
};

Cloud& here() {
  static Cloud cloud;
  return cloud;
}

// Connects from another address of this machine each time: ports run out, and failures are counted
// by it.
int connected(Cloud& cloud) {
  static std::uint32_t caller = 0;
  const int socket = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in from{};
  from.sin_family = AF_INET;
  from.sin_addr.s_addr = htonl(0x7f000002U + ++caller % 0xfffff0U);
  const timeval patience{10, 0};
  ::setsockopt(socket, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
  must(::bind(socket, reinterpret_cast<const sockaddr*>(&from), sizeof from) == 0,
       "a caller has an address");
  // A second connect goes on with what the fuzzer's clock interrupted.
  must(TEMP_FAILURE_RETRY(::connect(socket, reinterpret_cast<const sockaddr*>(&cloud.address),
                                    sizeof cloud.address)) == 0,
       "the cloud listens");
  return socket;
}

// All that the server says to these bytes, which are all that it gets.
std::string talk(Cloud& cloud, std::string_view bytes) {
  const int socket = connected(cloud);
  while (!bytes.empty()) {
    const ssize_t sent =
        TEMP_FAILURE_RETRY(::send(socket, bytes.data(), bytes.size(), MSG_NOSIGNAL));
    if (sent <= 0) break;  // refused before it was read
    bytes.remove_prefix(static_cast<std::size_t>(sent));
  }
  ::shutdown(socket, SHUT_WR);
  std::string said;
  char piece[4096];
  ssize_t got = 0;
  while ((got = TEMP_FAILURE_RETRY(::recv(socket, piece, sizeof piece, 0))) > 0 &&
         said.size() < (4U << 20)) {
    said.append(piece, static_cast<std::size_t>(got));
  }
  must(got >= 0 || (errno != EAGAIN && errno != EWOULDBLOCK), "the server ends what it says");
  ::close(socket);
  return said;
}

void must_be_answers(std::string_view said) {
  if (said.empty()) return;
  must(said.starts_with("HTTP/1.1 "), "an answer is HTTP");
  must(!said.starts_with("HTTP/1.1 500"), "no request breaks the server");
}

}  // namespace

void http(ByteView bytes) { must_be_answers(talk(here(), as_text(bytes))); }

// By somebody who may do anything: a byte for the method, a line for what is asked for, a body.
void http_call(ByteView bytes) {
  static constexpr std::string_view kMethods[] = {"GET", "POST", "PUT", "PATCH", "DELETE", "HEAD"};
  if (bytes.empty()) return;
  const std::string_view rest = as_text(bytes.subspan(1));
  const std::size_t end = std::min(rest.find('\n'), rest.size());
  const std::string_view body = rest.substr(std::min(end + 1, rest.size()));
  std::string target(rest.substr(0, end));
  if (target.find("stream") != std::string::npos) return;  // has no end
  std::string text(kMethods[bytes[0] % std::size(kMethods)]);
  text += " /api/v1/" + target + " HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n";
  text += "authorization: Bearer " + here().token + "\r\n";
  text += "content-type: application/json\r\ncontent-length: " + std::to_string(body.size());
  text.append("\r\n\r\n").append(body);
  must_be_answers(talk(here(), text));
}

// What is made of a request's words, without a server.
void http_text(ByteView bytes) {
  const std::string_view text = as_text(bytes);
  (void)percent_decode(text, true);
  if (auto raw = from_base64url(text)) must(from_base64url(base64url(*raw)) == raw, "reads back");
  const std::uint8_t key[] = {1, 2, 3};
  (void)open_cursor(key, "devices", text);
  must(*open_cursor(key, "devices", sign_cursor(key, "devices", text)) == text, "a cursor opens");
  Request request;
  request.headers = {
      {"host", std::string(text)}, {"origin", std::string(text)}, {"cookie", std::string(text)}};
  const OwnNames own({"cloud.example", "*.example"});
  (void)own.misdirected(request);
  (void)own.foreign(request);
  (void)request.cookie("spillway_session");
  (void)is_json(text);
  (void)find_route(Method::get, text);
  Result<Parameters> parameters = parse_query(text);
  if (!parameters) return must_read_well(parameters.error());
  QueryReader filter(*parameters), series(*parameters);
  (void)read_filter(filter);
  (void)read_series(series, std::chrono::hours(24 * 20'000));
  if (Status done = filter.finish(); !done) must_read_well(done.error());
}

void events(ByteView bytes) {
  EventReader whole, pieces;
  std::string at_once, one_by_one;
  const auto note = [](std::string& to) {
    return [&to](const ServerEvent& event) {
      to += event.id + '\0' + event.name + '\0' + event.data + '\0';
      return true;
    };
  };
  must(whole.take(as_text(bytes), note(at_once)), "it goes on");
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    must(pieces.take(as_text(bytes.subspan(i, 1)), note(one_by_one)), "it goes on");
  }
  must(at_once == one_by_one, "pieces make the same events");
}

}  // namespace spillway::fuzz
