#pragma once

#include <utility>

#include "spillway/kind.h"

namespace spillway::kinds {

// Runs a kind on the calling thread alone: a direct computation to compare with, and tests.
// `input` and `args` must outlive it.
class InlineContext : public KindContext {
 public:
  InlineContext(ByteView input, const Labels& args, std::stop_token stop = {})
      : input_(input), args_(args), stop_(std::move(stop)) {}

  ByteView input() const override { return input_; }
  const Labels& args() const override { return args_; }
  std::stop_token stop() const override { return stop_; }
  void parallel_for(std::size_t n,
                    const std::function<void(std::size_t, std::size_t)>& range) override {
    if (n > 0) range(0, n);
  }

 private:
  ByteView input_;
  const Labels& args_;
  std::stop_token stop_;
};

}  // namespace spillway::kinds
