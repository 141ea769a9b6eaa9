#include "cloud/access/access.h"

#include <algorithm>

#include "cloud/http/encoding.h"
#include "common/crypto/mac.h"
#include "common/crypto/sha256.h"

namespace spillway::cloud::access {
namespace {

constexpr std::size_t kSecret = 32;  // bytes
constexpr std::string_view kTokenStart = "spw_", kBearer = "Bearer ";
constexpr auto kUseNoted = std::chrono::minutes(1);

std::string random_text(std::size_t bytes) { return http::base64url(crypto::random_bytes(bytes)); }

Digest digest_of(std::string_view secret) { return crypto::sha256(as_bytes(secret)); }

Principal principal_of(const TokenRow& token) {
  return {token.name, token.scope, token.expires, token.id, std::nullopt, {}};
}

Principal principal_of(const SessionRow& session) {
  return {session.name,  session.scope,  session.expires,
          session.token, session.secret, session.csrf};
}

bool same_secret(const Digest& a, const Digest& b) { return crypto::equal_secrets(a, b); }

}  // namespace

std::string id_of(const Digest& session) { return to_hex(ByteView(session).first(6)); }

Access::Access(AccessStore& store, AccessRecovered recovered,
               std::function<void(const Digest&)> ended)
    : store_(store), ended_(std::move(ended)), cursor_key_(std::move(recovered.cursor_key)) {
  for (TokenRow& row : recovered.tokens) tokens_.emplace(row.id, std::move(row));
  for (SessionRow& row : recovered.sessions) sessions_.emplace(row.secret, std::move(row));
}

std::string Access::make_link_code() {
  std::string code = random_text(24);
  link_ = digest_of(code);
  return code;
}

Error Access::refused(const std::string& peer, Duration now, const std::string& why) {
  failed_.add(peer, now);
  if (Duration wait = limit_.wait(peer, now); wait > Duration::zero()) {
    Error busy = fail(Code::busy, "too many failed attempts to log in from " + peer);
    busy.retry_after = std::chrono::ceil<std::chrono::milliseconds>(wait);
    return busy;
  }
  limit_.failed(peer, now);
  return fail(Code::denied, why);
}

// Text form: spw_<id>.<secret>. Null when there is none, or the secret is not its.
TokenRow* Access::find_token(std::string_view text) {
  std::size_t dot = text.find('.');
  if (!text.starts_with(kTokenStart) || dot == std::string_view::npos) return nullptr;
  auto found = tokens_.find(std::string(text.substr(kTokenStart.size(), dot - kTokenStart.size())));
  bool same =
      found != tokens_.end() && same_secret(found->second.secret, digest_of(text.substr(dot + 1)));
  return same ? &found->second : nullptr;
}

Access::Identified Access::by_token(std::string_view text, const std::string& peer, Duration now) {
  TokenRow* row = find_token(text);
  if (!row) return {{}, refused(peer, now, "this token is not known, or was revoked")};
  if (row->expires && *row->expires <= now) {
    return {principal_of(*row), fail(Code::denied, "this token has expired")};
  }
  if (!row->last_used || now - *row->last_used > kUseNoted) {
    row->last_used = now;
    store_.used(row->id, now);
  }
  return {principal_of(*row), {}};
}

// A session that is not known is not counted against the address: it is a browser that was away.
Access::Identified Access::by_cookie(const http::Request& request, bool writes, Duration now) {
  auto session = sessions_.find(digest_of(request.cookie(kCookie)));
  if (session == sessions_.end()) {
    failed_.add(request.peer, now);
    return {{}, fail(Code::denied, "the session has ended; log in again")};
  }
  Principal who = principal_of(session->second);
  if (ended(session->second, now)) {
    return {std::move(who), fail(Code::denied, "the session has ended; log in again")};
  }
  if (writes && !crypto::equal_secrets(as_bytes(request.header("x-csrf-token")),
                                       as_bytes(session->second.csrf))) {
    return {std::move(who),
            fail(Code::denied, "writes by cookie need X-CSRF-Token, from GET /api/v1/session")};
  }
  return {std::move(who), {}};
}

Access::Identified Access::identify(const http::Request& request, bool writes, Duration now) {
  std::string_view bearer = request.header("authorization");
  if (bearer.starts_with(kBearer)) {
    return by_token(bearer.substr(kBearer.size()), request.peer, now);
  }
  if (!bearer.empty()) {
    return {{}, refused(request.peer, now, "Authorization must be 'Bearer TOKEN'")};
  }
  if (!request.cookie(kCookie).empty()) return by_cookie(request, writes, now);
  return {{}, fail(Code::denied, "log in, or send 'Authorization: Bearer TOKEN'")};
}

void Access::login(const http::Request& request, const std::string& code, const std::string& token,
                   Duration now, Done<Opened> done) {
  SessionRow row;
  row.peer = request.peer;
  row.created = now;
  row.expires = now + kSessionTime;
  if (!token.empty()) {
    Identified found = by_token(token, request.peer, now);
    if (found.refused) return done(*std::move(found.refused));
    row.name = found.who->name;
    row.scope = found.who->scope;
    row.token = found.who->token;
    row.expires = std::min(row.expires, found.who->expires.value_or(row.expires));
  } else if (!link_ || !same_secret(*link_, digest_of(code))) {
    return done(refused(request.peer, now,
                        "this link was used or is not the newest; a start of spillway-cloud with "
                        "--link prints a new one"));
  } else {
    link_.reset();
    row.name = "link";
    row.scope = Scope::admin;
  }
  open(std::move(row), now, std::move(done));
}

// Before a session is opened: those that have ended go, and of a token that has kMaxSessionsOfToken
// the oldest; then more than kMaxSessions in all are refused (busy). Sessions that are still being
// written are not counted yet.
Status Access::make_room(const SessionRow& session, Duration now) {
  end([&](const SessionRow& each) { return ended(each, now); });
  std::vector<const SessionRow*> same;
  for (const auto& [secret, each] : sessions_) {
    if (!session.token.empty() && each.token == session.token) same.push_back(&each);
  }
  if (same.size() >= kMaxSessionsOfToken) {
    auto oldest = std::min_element(same.begin(), same.end(), [](const auto* a, const auto* b) {
      return a->created < b->created;
    });
    end([secret = (*oldest)->secret](const SessionRow& each) { return each.secret == secret; });
  }
  if (sessions_.size() >= kMaxSessions) return fail(Code::busy, "too many sessions");
  return {};
}

void Access::open(SessionRow row, Duration now, Done<Opened> done) {
  if (Status room = make_room(row, now); !room) return done(room.error());
  std::string secret = random_text(kSecret);
  row.secret = digest_of(secret);
  row.csrf = random_text(18);
  store_.put(row, [this, row, secret, done = std::move(done)](const Result<void>& kept) {
    if (!kept) return done(kept.error());
    // The session's token may have been revoked while the session was written.
    if (!row.token.empty() && !tokens_.contains(row.token)) {
      return done(fail(Code::denied, "this token is not known, or was revoked"));
    }
    sessions_[row.secret] = row;
    done(Opened{principal_of(row), secret});
  });
}

bool Access::ended(const SessionRow& session, Duration now) const {
  if (session.expires <= now) return true;
  if (session.token.empty()) return false;
  auto token = tokens_.find(session.token);
  return token == tokens_.end() || (token->second.expires && *token->second.expires <= now);
}

void Access::end(const std::function<bool(const SessionRow&)>& which) {
  std::erase_if(sessions_, [&](const auto& each) {
    if (!which(each.second)) return false;
    if (ended_) ended_(each.first);
    store_.drop_session(each.first, nullptr);
    return true;
  });
}

void Access::logout(const Principal& principal, Done<void> done) {
  if (!principal.session) return done({});
  end_session(id_of(*principal.session), std::move(done));
}

std::vector<SessionRow> Access::sessions(Duration now) const {
  std::vector<SessionRow> rows;
  for (const auto& [secret, row] : sessions_) {
    if (!ended(row, now)) rows.push_back(row);
  }
  std::sort(rows.begin(), rows.end(), [](const SessionRow& a, const SessionRow& b) {
    return std::tie(a.created, a.secret) < std::tie(b.created, b.secret);
  });
  return rows;
}

void Access::end_session(const std::string& id, Done<void> done) {
  auto found = std::find_if(sessions_.begin(), sessions_.end(),
                            [&](const auto& each) { return id_of(each.first) == id; });
  if (found == sessions_.end()) {
    return done(fail(Code::not_found, "there is no session with the id '" + id + "'"));
  }
  const Digest secret = found->first;
  if (ended_) ended_(secret);
  sessions_.erase(found);
  store_.drop_session(secret, std::move(done));
}

std::vector<TokenRow> Access::tokens() const {
  std::vector<TokenRow> rows;
  for (const auto& [id, row] : tokens_) rows.push_back(row);
  std::sort(rows.begin(), rows.end(), [](const TokenRow& a, const TokenRow& b) {
    return std::tie(a.created, a.id) < std::tie(b.created, b.id);
  });
  return rows;
}

void Access::create_token(const std::string& name, Scope scope, std::optional<Duration> expires_in,
                          Duration now, Done<Created> done) {
  if (tokens_.size() >= kMaxTokens) {
    return done(fail(Code::conflict, "there are 1000 tokens; revoke one first"));
  }
  std::string secret = random_text(kSecret);
  TokenRow row;
  row.id = to_hex(crypto::random_bytes(6));
  row.name = name;
  row.scope = scope;
  row.secret = digest_of(secret);
  row.created = now;
  if (expires_in) row.expires = now + *expires_in;
  store_.put(row, [this, row, secret, done = std::move(done)](const Result<void>& kept) {
    if (!kept) return done(kept.error());
    tokens_[row.id] = row;
    done(Created{row, std::string(kTokenStart) + row.id + "." + secret});
  });
}

void Access::revoke_token(const std::string& id, Done<void> done) {
  if (tokens_.erase(id) == 0) {
    return done(fail(Code::not_found, "there is no token with the id '" + id + "'"));
  }
  end([&](const SessionRow& each) { return each.token == id; });
  store_.drop_token(id, std::move(done));
}

}  // namespace spillway::cloud::access
