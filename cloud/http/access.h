#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>

#include "cloud/http/access_store.h"
#include "cloud/http/attempt_limit.h"
#include "cloud/http/exchange.h"

namespace spillway::cloud::http {

// Who a request comes from.
struct Principal {
  std::string name;
  Scope scope = Scope::read;
  std::optional<Duration> expires;
  std::string token;              // its id; empty: none
  std::optional<Digest> session;  // set: came by cookie
  std::string csrf;               // of the session
};

// Decides who may come in: bearer tokens, browser sessions and the one-time link, from memory; what
// changes is in the store before anybody is told. Failed attempts are limited by address. The
// server's thread, or before it starts.
class Access {
 public:
  static constexpr auto kSessionTime = std::chrono::hours(12);
  static constexpr std::size_t kMaxTokens = 1000;
  static constexpr std::size_t kMaxSessions = 10'000;
  static constexpr char kCookie[] = "spillway_session";

  Access(AccessStore& store, AccessRecovered recovered);

  bool has_tokens() const { return !tokens_.empty(); }
  // Makes the secret of a link that logs in once, as admin; the one before it is void.
  std::string make_link_code();
  ByteView cursor_key() const { return cursor_key_; }

  // denied: nobody known, with what to do; busy: too many failures from there. `writes` asks for
  // the session's CSRF token, too.
  Result<Principal> identify(const Request& request, bool writes, Duration now);

  struct Opened {
    Principal principal;
    std::string cookie;  // the value
  };
  template <class T>
  using Done = AccessStore::Done<T>;
  // One of code and token is set.
  void login(const Request& request, const std::string& code, const std::string& token,
             Duration now, Done<Opened> done);
  void logout(const Principal& principal, Done<void> done);

  std::vector<TokenRow> tokens() const;  // oldest first
  struct Created {
    TokenRow row;
    std::string secret;
  };
  void create_token(const std::string& name, Scope scope, std::optional<Duration> expires_in,
                    Duration now, Done<Created> done);
  void revoke_token(const std::string& id, Done<void> done);

 private:
  Result<TokenRow*> find_token(std::string_view text, const std::string& peer, Duration now);
  Error refused(const std::string& peer, Duration now, const std::string& why);

  AccessStore& store_;
  Bytes cursor_key_;
  std::map<std::string, TokenRow> tokens_;
  std::map<Digest, SessionRow> sessions_;
  std::optional<Digest> link_;
  AttemptLimit limit_;
};

}  // namespace spillway::cloud::http
