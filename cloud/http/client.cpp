#include "cloud/http/client.h"

#include <algorithm>

#include <boost/asio/ssl/host_name_verification.hpp>
#include <boost/beast/core/buffers_to_string.hpp>

#include "cloud/http/beast.h"

namespace spillway::cloud::http {
namespace {

constexpr std::uint64_t kMaxAnswer = 256ULL * 1024 * 1024;  // bytes

struct Url {
  bool tls = false;
  std::string host, port;
  std::string prefix;  // of every path, e.g. "/spillway"; empty: none
};

Result<Url> parse_url(const std::string& text) {
  Url url;
  std::string_view rest = text;
  if (rest.starts_with("https://")) {
    url.tls = true;
    rest.remove_prefix(8);
  } else if (rest.starts_with("http://")) {
    rest.remove_prefix(7);
  } else {
    return fail(Code::invalid_argument,
                "'" + text + "' is not an address: it begins with http:// or https://");
  }
  while (!rest.empty() && rest.back() == '/') rest.remove_suffix(1);
  const std::size_t path = std::min(rest.find('/'), rest.size());
  url.prefix = rest.substr(path);
  rest = rest.substr(0, path);
  std::size_t colon = rest.rfind(':');
  if (colon != std::string_view::npos && rest.find(']', colon) == std::string_view::npos) {
    url.port = rest.substr(colon + 1);
    rest = rest.substr(0, colon);
  } else {
    url.port = url.tls ? "443" : "80";
  }
  if (rest.starts_with('[') && rest.ends_with(']')) rest = rest.substr(1, rest.size() - 2);
  url.host = rest;
  bool digits = url.port.find_first_not_of("0123456789") == std::string::npos;
  if (url.host.empty() || url.port.empty() || !digits ||
      rest.find_first_of("?#@ ") != std::string_view::npos ||
      url.prefix.find_first_of("?#@\\ ") != std::string::npos) {
    return fail(Code::invalid_argument,
                "'" + text +
                    "' is not an address like https://cloud.example:8443 or, behind a proxy, "
                    "https://example.com/spillway");
  }
  return url;
}

bhttp::verb verb_of(Method method) {
  switch (method) {
    case Method::head: return bhttp::verb::head;
    case Method::post: return bhttp::verb::post;
    case Method::put: return bhttp::verb::put;
    case Method::patch: return bhttp::verb::patch;
    case Method::del: return bhttp::verb::delete_;
    default: return bhttp::verb::get;
  }
}

}  // namespace

struct Client::State {
  using Answered = bhttp::response_parser<bhttp::string_body>;

  explicit State(ClientOptions given) : options(std::move(given)) {}

  Status prepare();
  PlainStream& lowest() { return secure ? beast::get_lowest_layer(*secure) : *plain; }
  // Runs `work` to its end; the deadline of each step ends it when the server is silent.
  SysError run(net::awaitable<SysError> work);
  net::awaitable<SysError> connect();
  template <class Stream>
  net::awaitable<SysError> exchange(Stream& stream, bhttp::request<bhttp::string_body>& request,
                                    Answered& answer, bool body);
  net::awaitable<SysError> talk(bhttp::request<bhttp::string_body>& request, Answered& answer,
                                bool body);
  Result<Response> attempt(bhttp::request<bhttp::string_body>& request, bool body,
                           std::optional<Answered>& answer);
  Result<std::string> more();
  void close() {
    secure.reset();
    plain.reset();
    buffer.clear();
  }
  bool connected() const { return secure || plain; }
  Error unreachable(const SysError& error) const;

  ClientOptions options;
  Url url;
  net::io_context io{1};
  net::ssl::context tls{net::ssl::context::tls_client};
  std::optional<PlainStream> plain;
  std::optional<TlsStream> secure;
  beast::flat_buffer buffer;
};

Status Client::State::prepare() {
  Result<Url> parsed = parse_url(options.url);
  if (!parsed) return parsed.error();
  url = *std::move(parsed);
  if (!url.tls) return {};
  SysError error;
  tls.set_default_verify_paths(error);
  if (!options.ca.empty()) tls.load_verify_file(options.ca, error);
  if (error) {
    return fail(Code::invalid_argument, "CA file " + options.ca + ": " + error.message());
  }
  tls.set_verify_mode(net::ssl::verify_peer, error);
  return {};
}

Error Client::State::unreachable(const SysError& error) const {
  Code code = error == beast::error::timeout ? Code::timeout : Code::unavailable;
  return fail(code, "cannot reach " + options.url + ": " + error.message());
}

SysError Client::State::run(net::awaitable<SysError> work) {
  SysError outcome;
  io.restart();
  net::co_spawn(io, std::move(work),
                [&](const std::exception_ptr&, SysError error) { outcome = error; });
  io.run();
  return outcome;
}

net::awaitable<SysError> Client::State::connect() {
  tcp::resolver resolver(io);
  auto [unknown, endpoints] = co_await resolver.async_resolve(url.host, url.port, kAwait);
  if (unknown) co_return unknown;
  if (url.tls) {
    secure.emplace(io, tls);
    secure->set_verify_callback(net::ssl::host_name_verification(url.host));
    SSL_set_tlsext_host_name(secure->native_handle(), url.host.c_str());
  } else {
    plain.emplace(io);
  }
  lowest().expires_after(options.timeout);
  auto [refused, endpoint] = co_await lowest().async_connect(endpoints, kAwait);
  if (refused) co_return refused;
  SysError ignored;
  lowest().socket().set_option(tcp::no_delay(true), ignored);
  if (!secure) co_return SysError();
  auto [untrusted] = co_await secure->async_handshake(net::ssl::stream_base::client, kAwait);
  co_return untrusted;
}

template <class Stream>
net::awaitable<SysError> Client::State::exchange(Stream& stream,
                                                 bhttp::request<bhttp::string_body>& request,
                                                 Answered& answer, bool body) {
  lowest().expires_after(options.timeout);
  auto [unsent, sent] = co_await bhttp::async_write(stream, request, kAwait);
  if (unsent) co_return unsent;
  auto [unread, got] = co_await bhttp::async_read_header(stream, buffer, answer, kAwait);
  if (unread || (!body && answer.get().result() == bhttp::status::ok)) co_return unread;
  lowest().expires_after(options.timeout);
  auto [cut, rest] = co_await bhttp::async_read(stream, buffer, answer, kAwait);
  co_return cut;
}

net::awaitable<SysError> Client::State::talk(bhttp::request<bhttp::string_body>& request,
                                             Answered& answer, bool body) {
  if (!connected()) {
    if (SysError error = co_await connect()) co_return error;
  }
  if (secure) co_return co_await exchange(*secure, request, answer, body);
  co_return co_await exchange(*plain, request, answer, body);
}

Result<Response> Client::State::attempt(bhttp::request<bhttp::string_body>& request, bool body,
                                        std::optional<Answered>& answer) {
  bool used = connected();
  for (;;) {
    answer.emplace();
    answer->body_limit(kMaxAnswer);
    answer->skip(request.method() == bhttp::verb::head);
    SysError error = run(talk(request, *answer, body));
    if (!error) break;
    close();
    // A connection kept from before may have been closed meanwhile; nothing has been answered.
    bool stale = used && error != beast::error::timeout;
    if (!std::exchange(used, false) || !stale) return unreachable(error);
  }
  const auto& message = answer->get();
  Response response;
  response.status = message.result_int();
  for (const auto& field : message) {
    std::string name(field.name_string());
    for (char& c : name) c = c >= 'A' && c <= 'Z' ? char(c - 'A' + 'a') : c;
    if (name == "content-type") response.content_type = std::string(field.value());
    response.headers.emplace_back(std::move(name), std::string(field.value()));
  }
  response.body = message.body();
  return response;
}

Result<std::string> Client::State::more() {
  std::string text(beast::buffers_to_string(buffer.data()));
  buffer.clear();
  if (!text.empty()) return text;
  text.resize(64 * 1024);
  std::size_t got = 0;
  auto read = [&]() -> net::awaitable<SysError> {
    lowest().expires_after(options.timeout);
    SysError error;
    auto into = net::buffer(text);
    if (secure) {
      std::tie(error, got) = co_await secure->async_read_some(into, kAwait);
    } else {
      std::tie(error, got) = co_await plain->async_read_some(into, kAwait);
    }
    co_return error;
  };
  if (SysError error = run(read())) return unreachable(error);
  text.resize(got);
  return text;
}

Client::Client(std::unique_ptr<State> state) : state_(std::move(state)) {}
Client::~Client() = default;
Client::Client(Client&&) noexcept = default;
Client& Client::operator=(Client&&) noexcept = default;

Result<Client> Client::make(ClientOptions options) {
  auto state = std::make_unique<State>(std::move(options));
  if (Status prepared = state->prepare(); !prepared) return prepared.error();
  return Client(std::move(state));
}

namespace {

bhttp::request<bhttp::string_body> message_of(const Url& url, Method method,
                                              const std::string& target, const Headers& headers,
                                              const std::string& body) {
  bhttp::request<bhttp::string_body> message{verb_of(method), url.prefix + target, 11};
  // The colons of an IPv6 address are not the one before the port.
  const bool colons = url.host.find(':') != std::string::npos;
  message.set(bhttp::field::host, (colons ? "[" + url.host + "]" : url.host) + ":" + url.port);
  for (const auto& [name, value] : headers) message.set(name, value);
  message.body() = body;
  bool carries = method == Method::post || method == Method::put || method == Method::patch;
  if (carries && message.find(bhttp::field::content_type) == message.end()) {
    message.set(bhttp::field::content_type, "application/json");
  }
  message.prepare_payload();
  return message;
}

}  // namespace

Result<Response> Client::send(Method method, const std::string& target, const Headers& headers,
                              const std::string& body) {
  auto message = message_of(state_->url, method, target, headers, body);
  std::optional<State::Answered> answer;
  Result<Response> response = state_->attempt(message, true, answer);
  if (response && !answer->keep_alive()) state_->close();
  return response;
}

Result<Response> Client::stream(const std::string& target, const Headers& headers,
                                const std::function<bool(const ServerEvent&)>& each) {
  auto message = message_of(state_->url, Method::get, target, headers, {});
  message.set(bhttp::field::accept, "text/event-stream");
  std::optional<State::Answered> answer;
  Result<Response> response = state_->attempt(message, false, answer);
  if (!response) return response;
  if (response->status != 200 || !response->content_type.starts_with("text/event-stream")) {
    state_->close();
    return response;
  }
  EventReader reader;
  for (;;) {
    Result<std::string> text = state_->more();
    if (!text) {
      state_->close();
      return text.error();
    }
    if (reader.take(*text, each)) continue;
    state_->close();
    return response;
  }
}

}  // namespace spillway::cloud::http
