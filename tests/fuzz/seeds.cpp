#include "tests/fuzz/seeds.h"

#include <cstddef>

#include "common/wire/codec.h"
#include "tests/unit/wire/samples.h"

namespace spillway::fuzz {
namespace {

using wire::Samples;

struct Maker {
  std::string_view target;
  Bytes (*make)(Samples&);
};

constexpr Maker kMakers[] = {
    {"spec", [](Samples& from) { return wire::encode(from.spec()); }},
    {"result", [](Samples& from) { return wire::encode(from.result()); }},
    {"explanation", [](Samples& from) { return wire::encode(from.explanation()); }},
    {"message",
     [](Samples& from) {
       return wire::encode(wire::Message{1, 1, {}, "", {from.item()}}).copy();
     }},
    {"presence", [](Samples& from) { return wire::encode(from.presence()); }},
    {"request", [](Samples& from) { return wire::encode(from.request()); }},
    {"answer", [](Samples& from) { return wire::encode(from.answer()); }},
};

}  // namespace

std::vector<Bytes> seeds(std::string_view target) {
  constexpr std::size_t kMaxSeeds = 48, kMaxSize = 4096;  // small ones are mutated faster
  std::vector<Bytes> made;
  for (const Maker& maker : kMakers) {
    if (maker.target != target) continue;
    for (std::uint64_t seed = 1; seed <= 20 * kMaxSeeds && made.size() < kMaxSeeds; ++seed) {
      Samples from(seed);
      if (Bytes bytes = maker.make(from); bytes.size() <= kMaxSize) made.push_back(bytes);
    }
  }
  return made;
}

}  // namespace spillway::fuzz
