#include "common/owner/key_book.h"

#include <utility>

#include "common/crypto/sha256.h"
#include "common/wire/codec.h"

namespace spillway::owner {

void KeyBook::take(const std::string& key, Turn turn) {
  const auto [taken, first] = waiting_.try_emplace(key);
  if (!first) return taken->second.push_back(std::move(turn));
  const auto look = [this, key,
                     turn = std::move(turn)](const Result<std::optional<store::KnownKey>>& found) {
    turn(found);
    if (!found || *found) settle(key, found ? *found : std::nullopt);
  };
  store_.find_idempotent(key, timeline_.now(), gate_.pass(look));
}

void KeyBook::settle(const std::string& key, const std::optional<store::KnownKey>& known) {
  auto settled = waiting_.extract(key);
  if (settled.empty()) return;
  for (Turn& other : settled.mapped()) {
    known ? other(known) : take(key, std::move(other));
  }
}

Digest KeyBook::wish_of(TaskSpec spec, ByteView beside) {
  spec.trace.clear();
  crypto::Sha256 digest;
  digest.update(wire::encode(spec));
  digest.update(beside);
  return digest.finish();
}

}  // namespace spillway::owner
