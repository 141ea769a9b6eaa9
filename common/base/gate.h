#pragma once

#include <memory>
#include <utility>

namespace spillway {

// A member of what answers may come too late for. What goes through pass() is called only while the
// gate is there; declared as the last member, it is gone first. Calls and the gate's end are on one
// thread; what it gave may travel through others on the way.
class Gate {
 public:
  // A function object that calls `then`, or does nothing once this gate is gone.
  template <class Then>
  auto pass(Then then) const {
    return [gate = std::weak_ptr(open_), then = std::move(then)](auto&&... answer) mutable {
      if (!gate.expired()) then(std::forward<decltype(answer)>(answer)...);
    };
  }
  // The same, but calls `otherwise` in its place once this gate is gone.
  template <class Then, class Otherwise>
  auto pass(Then then, Otherwise otherwise) const {
    return [gate = std::weak_ptr(open_), then = std::move(then),
            otherwise = std::move(otherwise)](auto&&... answer) mutable {
      if (gate.expired()) return otherwise(std::forward<decltype(answer)>(answer)...);
      then(std::forward<decltype(answer)>(answer)...);
    };
  }

 private:
  std::shared_ptr<char> open_ = std::make_shared<char>();
};

}  // namespace spillway
