#include "cloud/http/access.h"

#include <algorithm>

#include "cloud/http/encoding.h"
#include "common/crypto/mac.h"
#include "common/crypto/sha256.h"

namespace spillway::cloud::http {
namespace {

constexpr std::size_t kSecret = 32;  // bytes
constexpr std::string_view kTokenStart = "spw_";
constexpr auto kUseNoted = std::chrono::minutes(1);

std::string random_text(std::size_t bytes) { return base64url(crypto::random_bytes(bytes)); }

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

Access::Access(AccessStore& store, AccessRecovered recovered)
    : store_(store), cursor_key_(std::move(recovered.cursor_key)) {
  for (TokenRow& row : recovered.tokens) tokens_.emplace(row.id, std::move(row));
  for (SessionRow& row : recovered.sessions) sessions_.emplace(row.secret, std::move(row));
}

std::string Access::make_link_code() {
  std::string code = random_text(24);
  link_ = digest_of(code);
  return code;
}

Error Access::refused(const std::string& peer, Duration now, const std::string& why) {
  limit_.failed(peer, now);
  return fail(Code::denied, why);
}

// Text form: spw_<id>.<secret>.
Result<TokenRow*> Access::find_token(std::string_view text, const std::string& peer, Duration now) {
  std::size_t dot = text.find('.');
  bool whole = text.starts_with(kTokenStart) && dot != std::string_view::npos;
  auto found =
      whole ? tokens_.find(std::string(text.substr(kTokenStart.size(), dot - kTokenStart.size())))
            : tokens_.end();
  if (found == tokens_.end() ||
      !same_secret(found->second.secret, digest_of(text.substr(dot + 1)))) {
    return refused(peer, now, "this token is not known, or was revoked");
  }
  if (found->second.expires && *found->second.expires <= now) {
    return refused(peer, now, "this token has expired");
  }
  return &found->second;
}

Result<Principal> Access::identify(const Request& request, bool writes, Duration now) {
  if (Duration wait = limit_.wait(request.peer, now); wait > Duration::zero()) {
    Error busy = fail(Code::busy, "too many failed attempts to log in from " + request.peer);
    busy.retry_after = std::chrono::ceil<std::chrono::milliseconds>(wait);
    return busy;
  }
  std::string_view bearer = request.header("authorization");
  if (!bearer.empty()) {
    if (bearer.size() < 7 || bearer.substr(0, 7) != "Bearer ") {
      return fail(Code::denied, "Authorization must be 'Bearer TOKEN'");
    }
    Result<TokenRow*> token = find_token(bearer.substr(7), request.peer, now);
    if (!token) return token.error();
    TokenRow& row = **token;
    if (!row.last_used || now - *row.last_used > kUseNoted) {
      row.last_used = now;
      store_.used(row.id, now);
    }
    return principal_of(row);
  }
  std::string_view cookie = request.cookie(kCookie);
  if (cookie.empty()) {
    return fail(Code::denied, "log in, or send 'Authorization: Bearer TOKEN'");
  }
  auto session = sessions_.find(digest_of(cookie));
  if (session == sessions_.end() || session->second.expires <= now) {
    return fail(Code::denied, "the session has ended; log in again");
  }
  if (writes && !crypto::equal_secrets(as_bytes(request.header("x-csrf-token")),
                                       as_bytes(session->second.csrf))) {
    return fail(Code::denied, "writes by cookie need X-CSRF-Token, from GET /api/v1/session");
  }
  return principal_of(session->second);
}

void Access::login(const Request& request, const std::string& code, const std::string& token,
                   Duration now, Done<Opened> done) {
  if (Duration wait = limit_.wait(request.peer, now); wait > Duration::zero()) {
    Error busy = fail(Code::busy, "too many failed attempts to log in from " + request.peer);
    busy.retry_after = std::chrono::ceil<std::chrono::milliseconds>(wait);
    return done(busy);
  }
  SessionRow row;
  if (!token.empty()) {
    Result<TokenRow*> found = find_token(token, request.peer, now);
    if (!found) return done(found.error());
    row.name = (*found)->name;
    row.scope = (*found)->scope;
    row.token = (*found)->id;
  } else if (!link_ || !same_secret(*link_, digest_of(code))) {
    return done(refused(request.peer, now,
                        "this link was used or is not the newest; a start of spillway-cloud with "
                        "--link prints a new one"));
  } else {
    link_.reset();
    row.name = "link";
    row.scope = Scope::admin;
  }
  if (sessions_.size() >= kMaxSessions) {
    std::erase_if(sessions_, [now](const auto& each) { return each.second.expires <= now; });
    store_.drop_sessions_before(now);
    if (sessions_.size() >= kMaxSessions) return done(fail(Code::busy, "too many sessions"));
  }
  std::string secret = random_text(kSecret);
  row.secret = digest_of(secret);
  row.csrf = random_text(18);
  row.created = now;
  row.expires = now + kSessionTime;
  store_.put(row, [this, row, secret, done = std::move(done)](const Result<void>& kept) {
    if (!kept) return done(kept.error());
    sessions_[row.secret] = row;
    done(Opened{principal_of(row), secret});
  });
}

void Access::logout(const Principal& principal, Done<void> done) {
  if (!principal.session) return done({});
  sessions_.erase(*principal.session);
  store_.drop_session(*principal.session, std::move(done));
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
  std::erase_if(sessions_, [&](const auto& each) { return each.second.token == id; });
  store_.drop_token(id, std::move(done));
}

}  // namespace spillway::cloud::http
