#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>

#include "cloud/access/access_store.h"
#include "cloud/access/attempt_limit.h"
#include "cloud/access/failed_logins.h"
#include "cloud/http/exchange.h"

namespace spillway::cloud::access {

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
// changes is in the store before anybody is told. A session ends with the token that opened it.
// Failed attempts are limited by address and never delay those who have what it takes, also from
// there. Instants are since 1970. The server's thread, or before it starts; `done` is called there,
// at once with a refusal, else after the commit.
class Access {
 public:
  static constexpr auto kSessionTime = std::chrono::hours(12);
  static constexpr std::size_t kMaxTokens = 1000;
  static constexpr std::size_t kMaxSessions = 10'000;
  static constexpr std::size_t kMaxSessionsOfToken = 100;  // beyond them its oldest one ends
  static constexpr char kCookie[] = "spillway_session";

  // `ended` is told of each session that ends before its time.
  Access(AccessStore& store, AccessRecovered recovered,
         std::function<void(const Digest&)> ended = nullptr);

  bool has_tokens() const { return !tokens_.empty(); }
  // Makes the secret of a link that logs in once, as admin; the one before it is void.
  std::string make_link_code();
  ByteView cursor_key() const { return cursor_key_; }

  struct Identified {
    std::optional<Principal> who;  // also of one that is known and may not come in
    std::optional<Error> refused;  // denied, with what to do; busy: too many failures from there
  };
  // `writes` asks for the session's CSRF token, too.
  Identified identify(const http::Request& request, bool writes, Duration now);

  struct Opened {
    Principal principal;
    std::string cookie;  // the value
  };
  template <class T>
  using Done = AccessStore::Done<T>;
  // One of code and token is set. denied: it is not known, was used or has expired; busy: too many
  // failures from there, or too many sessions.
  void login(const http::Request& request, const std::string& code, const std::string& token,
             Duration now, Done<Opened> done);
  void logout(const Principal& principal, Done<void> done);
  std::vector<SessionRow> sessions(Duration now) const;  // those that have not ended, oldest first
  // not_found: there is no session of that id.
  void end_session(const std::string& id, Done<void> done);
  std::vector<FailedLogins::Sum> failed() const { return failed_.list(); }

  std::vector<TokenRow> tokens() const;  // oldest first
  struct Created {
    TokenRow row;
    std::string secret;
  };
  // conflict: there are kMaxTokens.
  void create_token(const std::string& name, Scope scope, std::optional<Duration> expires_in,
                    Duration now, Done<Created> done);
  // Ends its sessions, too. not_found: there is no token of that id.
  void revoke_token(const std::string& id, Done<void> done);

 private:
  TokenRow* find_token(std::string_view text);
  Identified by_token(std::string_view text, const std::string& peer, Duration now);
  Identified by_cookie(const http::Request& request, bool writes, Duration now);
  Error refused(const std::string& peer, Duration now, const std::string& why);
  bool ended(const SessionRow& session, Duration now) const;
  Status make_room(const SessionRow& session, Duration now);
  void open(SessionRow row, Duration now, Done<Opened> done);
  void end(const std::function<bool(const SessionRow&)>& which);

  AccessStore& store_;
  std::function<void(const Digest&)> ended_;
  Bytes cursor_key_;
  std::map<std::string, TokenRow> tokens_;
  std::map<Digest, SessionRow> sessions_;
  std::optional<Digest> link_;
  AttemptLimit limit_;
  FailedLogins failed_;
};

}  // namespace spillway::cloud::access
