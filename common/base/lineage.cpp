#include "common/base/lineage.h"

namespace spillway {

LifeChange compare(const KnownLife& known, const Lineage& told) {
  if (told.lives.empty() || known.number == 0) return LifeChange::none;
  if (told.store != known.store) return LifeChange::another;
  if (told.number < known.number) return LifeChange::restored;
  const std::uint64_t back = told.number - known.number;
  if (back >= told.lives.size()) return LifeChange::none;
  return told.lives[static_cast<std::size_t>(back)] == known.life ? LifeChange::none
                                                                  : LifeChange::restored;
}

void learn(KnownLife& known, const Lineage& told) {
  if (!told.lives.empty()) known = {told.store, told.number, told.lives.front()};
}

}  // namespace spillway
