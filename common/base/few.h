#pragma once

#include <algorithm>
#include <array>
#include <cstddef>

namespace spillway {

// At most N values in a row, held in place: copying one allocates nothing.
template <class T, std::size_t N>
class Few {
 public:
  constexpr std::size_t size() const { return size_; }
  constexpr bool empty() const { return size_ == 0; }
  constexpr bool full() const { return size_ == N; }
  constexpr T* begin() { return values_.data(); }
  constexpr T* end() { return values_.data() + size_; }
  constexpr const T* begin() const { return values_.data(); }
  constexpr const T* end() const { return values_.data() + size_; }
  constexpr const T& operator[](std::size_t index) const { return values_[index]; }
  // Not of an empty one.
  constexpr T& back() { return values_[size_ - 1]; }
  constexpr const T& back() const { return values_[size_ - 1]; }

  // False: it is full.
  constexpr bool push_back(const T& value) {
    if (full()) return false;
    values_[size_++] = value;
    return true;
  }
  // `at` is of this row; those behind it move up.
  constexpr void erase(T* at) {
    std::copy(at + 1, end(), at);
    values_[--size_] = T{};
  }
  constexpr void clear() { *this = {}; }

  bool operator==(const Few&) const = default;

 private:
  std::array<T, N> values_{};
  std::size_t size_ = 0;
};

}  // namespace spillway
