#pragma once

#include "common/executor/parallel.h"
#include "common/kinds/inline_context.h"

namespace spillway::support {

// Runs a kind on the calling thread and the workers of a pool, as the agent and the cloud do.
class PoolContext : public kinds::InlineContext {
 public:
  PoolContext(executor::Executor& pool, ByteView input, const Labels& args)
      : InlineContext(input, args), pool_(pool) {}
  void parallel_for(std::size_t n,
                    const std::function<void(std::size_t, std::size_t)>& range) override {
    executor::parallel_for(pool_, 0, n, range);
  }

 private:
  executor::Executor& pool_;
};

}  // namespace spillway::support
